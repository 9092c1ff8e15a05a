//! The HTTP API in one process: the real application, engine and SQLite store over pretended database servers.

mod access;
mod bookkeeping;
mod changes;
mod errors;
mod node;
mod pages;
mod reads;
mod tls;
mod world;
