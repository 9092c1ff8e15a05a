//! Placeholder until the engine compiles.
