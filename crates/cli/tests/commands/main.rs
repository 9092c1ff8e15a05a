//! The whole program as a process, on a prepared SQLite file: standard output, exit code and error text.

mod changes;
mod program;
mod questions;
mod service;
mod usage;
