//! Host names, as the system's resolver knows them.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::Deadline;

/// Looks host names up.
#[async_trait]
pub trait Names: Send + Sync {
    /// All addresses of a host, in the resolver's order; none when it knows none, or does not answer in time.
    async fn addresses(&self, hostname: &str, deadline: Deadline) -> Vec<IpAddr>;

    /// The name that an alias stands for, without dots at its end; `None` when there is none, or no answer in time.
    async fn canonical(&self, hostname: &str, deadline: Deadline) -> Option<String>;
}

/// Nobody knows any name: for surroundings without a network.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

#[async_trait]
impl Names for NoNames {
    async fn addresses(&self, _hostname: &str, _: Deadline) -> Vec<IpAddr> {
        Vec::new()
    }

    async fn canonical(&self, _hostname: &str, _: Deadline) -> Option<String> {
        None
    }
}
