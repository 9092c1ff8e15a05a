//! Takeover.
