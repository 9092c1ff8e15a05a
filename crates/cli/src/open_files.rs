//! Open files: every watched server takes a connection, and one that has replicas two more. The usual limit of 1,024 is
//! soft; the process raises it by itself, and says so in time when even the hard one is too low.

use std::time::Duration;

use engine::Engine;
use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::{info, warn};

/// What needs no server: backend, listener, clients, hooks, log.
const BESIDE: u64 = 200;
/// Connections to a server that has replicas: reads, watch and one to spare.
const PER_SOURCE: u64 = 3;
/// How often the size of the fleet is compared with the limit.
const REVIEW: Duration = Duration::from_secs(60);

/// Raises the soft limit to the hard one. The limit that holds from now on.
pub(crate) fn raise_limit() -> u64 {
    let former = getrlimit(Resource::Nofile);
    let (soft, hard) = (former.current.unwrap_or(u64::MAX), former.maximum.unwrap_or(u64::MAX));
    if soft == hard {
        return soft;
    }
    match setrlimit(Resource::Nofile, rustix::process::Rlimit { current: former.maximum, ..former }) {
        Ok(()) => {
            info!(former = soft, limit = hard, "open files: the soft limit is raised to the hard one");
            hard
        }
        Err(error) => {
            warn!(limit = soft, error = %error, "open files: the limit cannot be raised");
            soft
        }
    }
}

/// Warns, once for each size that is greater than the last one warned of, when the fleet needs more files than may be open.
pub(crate) async fn compare_with_fleet(engine: Engine, limit: u64) {
    let mut warned = 0;
    loop {
        let (servers, sources) = {
            let fleet = engine.fleet();
            (fleet.len() as u64, fleet.sources().filter(|key| fleet.get(key).is_some()).count() as u64)
        };
        let needed = needed(servers, sources);
        if needed > limit.max(warned) {
            warned = needed;
            warn!(
                servers,
                limit,
                needed,
                "too few files may be open for connections to all servers, some will not be read; raise the hard limit \
                 (LimitNOFILE= of a systemd service, `ulimit -Hn` of a shell) and start again"
            );
        }
        tokio::time::sleep(REVIEW).await;
    }
}

fn needed(servers: u64, sources: u64) -> u64 {
    servers.saturating_sub(sources) + PER_SOURCE * sources + BESIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_servers_in_clusters_of_five_need_more_than_one_file_each() {
        assert_eq!(needed(10_000, 2_000), 14_200);
        assert_eq!(needed(1, 0), 201);
    }

    #[test]
    fn the_limit_is_the_hard_one_afterwards() {
        let limit = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), limit);
    }
}
