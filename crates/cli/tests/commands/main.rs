//! The whole program as a process, on a prepared SQLite file: standard output, exit code and error text.

mod bookkeeping;
mod changes;
mod client;
mod program;
mod questions;
mod relocation;
mod service;
mod usage;
