//! Counters for Prometheus, and as the flat JSON object that scripts of the original read.

use std::fmt::Write;

use engine::{Engine, FailoverTimes, Metrics, RecoveryCounters, StoreFigures};
use serde_json::{Map, Value, json};

/// What a number means to Prometheus.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Counter,
    Gauge,
}

/// The text of `/metrics`.
pub(super) fn prometheus(engine: &Engine) -> String {
    let mut out = String::new();
    for (name, kind, help, value) in counters(engine.metrics()).into_iter().chain(state(engine)) {
        head(&mut out, name, kind, help);
        sample(&mut out, name, "", value);
    }
    recoveries(&mut out, engine);
    failover(&mut out, &engine.metrics().failover);
    published(&mut out, &engine.published_stores());
    out
}

fn published(out: &mut String, stores: &[StoreFigures]) {
    type Figure = fn(&StoreFigures) -> u64;
    let figures: [(&str, Kind, &str, Figure); 3] = [
        ("orchestrator_published_pairs_total", Kind::Counter, "Pairs written to key-value stores.", |s| {
            s.written
        }),
        ("orchestrator_publication_failures_total", Kind::Counter, "Publications that failed.", |s| {
            s.failures
        }),
        ("orchestrator_publications_waiting", Kind::Gauge, "Clusters to be published.", |s| s.waiting as u64),
    ];
    for (name, kind, help, figure) in figures.into_iter().filter(|_| !stores.is_empty()) {
        head(out, name, kind, help);
        for store in stores {
            // The name holds an address, and no character that would have to be escaped.
            sample(out, name, &format!("{{store=\"{}\"}}", store.store), number(figure(store)));
        }
    }
}

fn failover(out: &mut String, times: &FailoverTimes) {
    let name = "orchestrator_failover_seconds";
    head(out, name, Kind::Gauge, "Where the time of the last failover went.");
    for (phase, time) in [
        ("decision", &times.decision),
        ("collection", &times.collection),
        ("drain", &times.drain),
        ("promotion", &times.promotion),
        ("repointing", &times.repointing),
    ] {
        sample(out, name, &format!("{{phase=\"{phase}\"}}"), number(time.get()) / 1e6);
    }
}

/// Name, kind, meaning, value.
type Sample = (&'static str, Kind, &'static str, f64);

#[rustfmt::skip] // one sample a line
fn counters(metrics: &Metrics) -> Vec<Sample> {
    use Kind::{Counter, Gauge};
    let seconds = number(metrics.discovery_micros.get()) / 1e6;
    vec![
        ("orchestrator_discoveries_total", Counter, "Reads of servers.", number(metrics.discoveries_attempt.get())),
        ("orchestrator_discovery_failures_total", Counter, "Failed reads.", number(metrics.discoveries_fail.get())),
        ("orchestrator_discovery_seconds_total", Counter, "Time spent reading servers.", seconds),
        ("orchestrator_slow_discoveries_total", Counter, "Reads longer than the poll interval.", number(metrics.discoveries_slow.get())),
        ("orchestrator_discovery_queue", Gauge, "Servers waiting to be read.", number(metrics.discovery_queue.get())),
        ("orchestrator_dead_instances", Gauge, "Servers polled with back-off.", number(metrics.dead_instances.get())),
        ("orchestrator_lost_connections_total", Counter, "Kept connections that broke.", number(metrics.lost_connections.get())),
        ("orchestrator_emergency_reads_total", Counter, "Reads because something looked wrong.", number(metrics.emergency_reads.get())),
        ("orchestrator_analysis_rounds_total", Counter, "Rounds of analysis.", number(metrics.analysis_rounds.get())),
        ("orchestrator_backend_rows_total", Counter, "Rows written behind.", number(metrics.rows_written.get())),
        ("orchestrator_backend_write_failures_total", Counter, "Batches kept because they could not be written.", number(metrics.write_failures.get())),
        ("orchestrator_recoveries_pending", Gauge, "Findings being handled.", number(metrics.recoveries_pending.get())),
    ]
}

#[rustfmt::skip] // one sample a line
fn state(engine: &Engine) -> Vec<Sample> {
    use Kind::{Counter, Gauge};
    let (instances, clusters) = {
        let fleet = engine.fleet();
        (fleet.len(), fleet.cluster_names().count())
    };
    vec![
        ("orchestrator_instances", Gauge, "Known servers.", instances as f64),
        ("orchestrator_clusters", Gauge, "Known clusters.", clusters as f64),
        ("orchestrator_task_panics_total", Counter, "Tasks ended by a defect.", number(engine.supervisor().panics())),
        ("orchestrator_requests_refused_total", Counter, "Reads and analyses that a full queue refused.", number(engine.refused_requests())),
        ("orchestrator_is_active", Gauge, "This node may act.", f64::from(u8::from(engine.may_act()))),
        ("orchestrator_uptime_seconds", Gauge, "Time since the start.", engine.running_for().as_secs_f64()),
    ]
}

fn recoveries(out: &mut String, engine: &Engine) {
    let name = "orchestrator_recoveries_total";
    head(out, name, Kind::Counter, "Recoveries by kind and outcome.");
    for (kind, counters) in kinds(engine) {
        let outcomes = [("start", &counters.start), ("success", &counters.success), ("fail", &counters.fail)];
        for (outcome, counter) in outcomes {
            sample(out, name, &format!("{{kind=\"{kind}\",outcome=\"{outcome}\"}}"), number(counter.get()));
        }
    }
}

fn kinds(engine: &Engine) -> [(&'static str, &RecoveryCounters); 3] {
    let metrics = engine.metrics();
    [
        ("dead_master", &metrics.dead_primary),
        ("dead_co_master", &metrics.dead_co_primary),
        ("dead_intermediate_master", &metrics.dead_intermediate),
    ]
}

fn head(out: &mut String, name: &str, kind: Kind, help: &str) {
    let kind = match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(out, "{name}{labels} {value}");
}

/// Counters beyond 2^53 lose their last digits, as in Prometheus itself.
fn number(count: u64) -> f64 {
    count as f64
}

/// The text of `/debug/metrics`.
pub(super) fn debug_metrics(engine: &Engine) -> String {
    let mut all = vars();
    all.extend(figures(engine));
    Value::Object(all).to_string()
}

/// The numbers by the names that the original gives them.
pub(super) fn figures(engine: &Engine) -> Map<String, Value> {
    let metrics = engine.metrics();
    let mut all = Map::new();
    let mut put = |name: &str, value: u64| all.insert(name.to_owned(), Value::from(value));
    put("analysis.change.write.attempt", metrics.analysis_change_attempt.get());
    put("discoveries.attempt", metrics.discoveries_attempt.get());
    put("discoveries.dead_instances", metrics.dead_instances.get());
    put("discoveries.fail", metrics.discoveries_fail.get());
    put("discoveries.instance_poll_seconds_exceeded", metrics.discoveries_slow.get());
    put("discoveries.queue_length", metrics.discovery_queue.get());
    put("elect.is_elected", u64::from(engine.may_act()));
    put("instance.write", metrics.rows_written.get());
    for (kind, counters) in kinds(engine) {
        put(&format!("recover.{kind}.start"), counters.start.get());
        put(&format!("recover.{kind}.success"), counters.success.get());
        put(&format!("recover.{kind}.fail"), counters.fail.get());
    }
    put("recover.pending", metrics.recoveries_pending.get());
    all
}

/// The text of `/debug/vars`.
pub(super) fn debug_vars() -> String {
    Value::Object(vars()).to_string()
}

fn vars() -> Map<String, Value> {
    let command: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut vars = Map::new();
    vars.insert("cmdline".to_owned(), Value::from(command));
    vars.insert("memstats".to_owned(), json!({ "Sys": resident_bytes() }));
    vars
}

/// Memory of this process, bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
