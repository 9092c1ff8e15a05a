//! Sends the figures of `/debug/metrics` to a Graphite server: lines of text over TCP, a connection for each transmission.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use engine::Engine;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tracing::warn;

/// Longest time for one transmission.
const SEND_MAX: Duration = Duration::from_secs(10);

/// Where to send, how often, and what stands before each figure.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    address: String,
    path: String,
    every: Duration,
}

impl Target {
    /// `None` when the configuration does not ask for it.
    fn of(settings: &settings::Metrics, hostname: &str) -> Option<Self> {
        let (address, path) = (settings.graphite_address.clone()?, settings.graphite_path.as_deref()?);
        let hostname =
            if settings.graphite_underscores { hostname.replace('.', "_") } else { hostname.to_owned() };
        Some(Self { address, path: path.replace("{hostname}", &hostname), every: settings.graphite_every? })
    }
}

/// Starts the transmissions if the configuration asks for them.
pub(crate) fn start(engine: &Engine, figures: fn(&Engine) -> Map<String, Value>) {
    let Some(target) = Target::of(&engine.settings().metrics, &engine.node().hostname) else { return };
    let own = engine.clone();
    engine.supervisor().start_loop("graphite", async move {
        let mut sent = BTreeMap::new();
        let mut is_failing = false;
        loop {
            tokio::time::sleep(target.every).await;
            let lines = lines(&target, &figures(&own), &mut sent, own.now().as_secs());
            let result = match tokio::time::timeout(SEND_MAX, send(&target.address, &lines)).await {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_elapsed) => Err(format!("no connection within {} seconds", SEND_MAX.as_secs())),
            };
            if let (Err(error), false) = (&result, is_failing) {
                warn!(address = target.address, error, "figures cannot be sent to Graphite; tried again");
            }
            is_failing = result.is_err();
        }
    });
}

async fn send(address: &str, lines: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(lines.as_bytes()).await?;
    stream.shutdown().await
}

/// `PATH.NAME.count N TIME` and `.count_ps` for what only grows, `.value` for what also shrinks.
fn lines(
    target: &Target,
    figures: &Map<String, Value>,
    sent: &mut BTreeMap<String, u64>,
    now: i64,
) -> String {
    let mut out = String::new();
    for (name, value) in figures {
        let Some(value) = value.as_u64() else { continue };
        let full = format!("{}.{name}", target.path);
        // Writing to a String cannot fail.
        let _ = if is_gauge(name) {
            writeln!(out, "{full}.value {value} {now}")
        } else {
            let before = sent.insert(name.clone(), value).unwrap_or(0);
            let rate = value.saturating_sub(before) as f64 / target.every.as_secs_f64();
            writeln!(out, "{full}.count {value} {now}\n{full}.count_ps {rate:.2} {now}")
        };
    }
    out
}

fn is_gauge(name: &str) -> bool {
    matches!(
        name,
        "discoveries.dead_instances" | "discoveries.queue_length" | "elect.is_elected" | "recover.pending"
    ) || name.starts_with("raft.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_come_with_their_rate_and_gauges_with_their_value() {
        let target =
            Target { address: "g:2003".into(), path: "orc.db_1".into(), every: Duration::from_secs(10) };
        let mut sent = BTreeMap::new();
        let figures = |count: u64, queue: u64| {
            let mut map = Map::new();
            map.insert("discoveries.attempt".into(), count.into());
            map.insert("discoveries.queue_length".into(), queue.into());
            map.insert("cmdline".into(), "x".into());
            map
        };
        assert_eq!(
            lines(&target, &figures(5, 3), &mut sent, 7),
            "orc.db_1.discoveries.attempt.count 5 7\norc.db_1.discoveries.attempt.count_ps 0.50 7\n\
             orc.db_1.discoveries.queue_length.value 3 7\n"
        );
        assert_eq!(
            lines(&target, &figures(30, 0), &mut sent, 17),
            "orc.db_1.discoveries.attempt.count 30 17\norc.db_1.discoveries.attempt.count_ps 2.50 17\n\
             orc.db_1.discoveries.queue_length.value 0 17\n"
        );
    }
}
