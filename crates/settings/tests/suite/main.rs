//! Tests of the configuration as its users see it, in one binary.

mod common;
mod docs;
mod effective;
mod files;
mod keys;
mod random;
mod reload;
