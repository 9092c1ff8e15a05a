//! What is done to single servers: replication threads, source, GTID, semi-sync, binary logs.
//!
//! Each function reads the server first, refuses with every reason, acts, and returns the server as read afterwards.

mod events;
mod gtid;
mod logs;
mod replication;

pub use events::{EqualRelayPlaces, PlacedEvent};
