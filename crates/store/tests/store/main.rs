//! The backend from outside: through its public API on one side and plain SQL on the other.

mod on_sqlite;
use on_sqlite::cases;

mod agents;
mod budget;
mod commands;
mod detections;
mod expiry;
mod opening;
mod original_file;
mod recoveries;
mod round_trip;
mod schema;
mod sharing;
mod support;
