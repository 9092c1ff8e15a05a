//! The HTTP API in one process: the real application, engine and SQLite store over pretended database servers.

mod access;
mod agents;
mod bookkeeping;
mod changes;
mod disrupt;
mod errors;
mod explanations;
mod node;
mod pages;
mod previews;
mod reads;
mod records;
mod seeds;
mod shared_file;
mod tls;
mod web;
mod world;
