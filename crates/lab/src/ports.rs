//! Loopback ports for lab servers, reserved for as long as the server may come back.
//!
//! The kernel's own choice (binding port 0) is not used: it takes ports from the range of outgoing connections, so a
//! replica's or client's connection could sit on a killed server's port when it restarts. Ports here lie below that
//! range, and a lock file per port keeps labs that run side by side apart.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;

use anyhow::{Result, bail};

use crate::home::{Home, try_lock};

const FIRST: u16 = 21_000;
const COUNT: u16 = 8_000;

/// A loopback port that no other lab uses until this is dropped.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    _lock: File,
}

impl PortLease {
    /// Reserves a port that nobody listens on. Errors: none is free, or the lab's directory is not writable.
    pub fn take() -> Result<Self> {
        let folder = Home::locate()?.folder("ports")?;
        let start = RandomState::new().hash_one(std::process::id()) % u64::from(COUNT);
        let start = u16::try_from(start).unwrap_or_default();
        for step in 0..COUNT {
            let port = FIRST + (start + step) % COUNT;
            let Some(lock) = try_lock(&folder.join(port.to_string()))? else { continue };
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return Ok(Self { port, _lock: lock });
            }
        }
        bail!("no free port between {FIRST} and {}", FIRST + COUNT - 1)
    }

    /// The reserved port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_differ() -> Result<()> {
        let leases = (0..20).map(|_| PortLease::take()).collect::<Result<Vec<_>>>()?;
        let mut ports: Vec<u16> = leases.iter().map(PortLease::port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), leases.len());
        Ok(())
    }
}
