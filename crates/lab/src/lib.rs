//! Placeholder header, replaced as the crate is filled.
