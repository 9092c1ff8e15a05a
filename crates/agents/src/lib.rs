//! Agents on database hosts over HTTP: `http[s]://HOST:PORT/api/COMMAND?token=TOKEN`.
//!
//! The token is also sent as a header, and stands in no error text. Answers count by their HTTP status, connections and
//! answers have limits in time and size, and nothing is asked twice. Absent on purpose: what to ask for, and when.

mod client;
mod wire;

pub use client::{AgentOptions, HttpAgents, OptionsError, ReadIdentity};
