//! Calls to a scripted agent: `lab::ScriptedAgent` answers by table, as no real one can be had here. With TLS, a socket that
//! shows a certificate and asks for one.

mod plain;
mod tls;

use std::time::Duration;

use model::{Agent, Secret};
use ports::Deadline;

/// An agent on this port of 127.0.0.1.
fn agent(port: u16, token: &str) -> Agent {
    Agent {
        hostname: "127.0.0.1".to_owned(),
        port,
        token: Secret::new(token),
        submitted: None,
        checked: None,
        mysql_port: None,
        snapshots: 0,
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}
