//! Relocation.
