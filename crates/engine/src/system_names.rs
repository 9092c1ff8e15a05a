//! Host names by the system's resolver.

use std::net::IpAddr;

use async_trait::async_trait;
use ports::{Deadline, Names};
use tokio::time::timeout_at;

/// `AI_CANONNAME` of `netdb.h` on Linux.
const CANONICAL_NAME_FLAG: i32 = 2;

/// The resolver of this machine: its hosts file, DNS, and whatever else it is told to ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, hostname: &str, deadline: Deadline) -> Vec<IpAddr> {
        match timeout_at(deadline.instant(), tokio::net::lookup_host((hostname, 0))).await {
            Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }

    async fn canonical(&self, hostname: &str, deadline: Deadline) -> Option<String> {
        let hostname = hostname.to_owned();
        // A look-up that is given up goes on for as long as the resolver lets it.
        let looked_up = tokio::task::spawn_blocking(move || {
            let hints = dns_lookup::AddrInfoHints { flags: CANONICAL_NAME_FLAG, ..Default::default() };
            dns_lookup::getaddrinfo(Some(&hostname), None, Some(hints))
                .ok()?
                .find_map(|entry| entry.ok()?.canonname)
        });
        let name = timeout_at(deadline.instant(), looked_up).await.ok()?.ok()??;
        Some(name.trim_end_matches('.').to_owned())
    }
}
