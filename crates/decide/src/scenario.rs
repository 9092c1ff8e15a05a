//! A small language that draws a topology with its facts, so that a test reads like a case at work.
//!
//! One line per server: its name, `<- source` for a replica, then `key=value` facts and single words. What is not said
//! is healthy: read a second ago, replicating without lag, GTID on, row format. For example
//!
//! ```text
//! p1 down=12s
//! r1 <- p1 io=connecting
//! r2 <- p1 sql=stopped downtime=60s
//! policy max_age=25s
//! ```
//!
//! Names are host names, with port 3306 unless `name:port` says otherwise. Mistakes in the text panic: this is for tests.
//!
//! | fact | meaning |
//! |---|---|
//! | `down=12s` | reads fail since then; `partial`: as far as the basic variables |
//! | `hang=8s` | read well that long ago, and the read begun now has not ended |
//! | `age=30s` | nothing was tried since then |
//! | `never` | never read well; `down` is implied |
//! | `io=`, `sql=` | `running`, `stopped`, `connecting`, `absent` |
//! | `failing` | the receiver cannot connect (error 2003) |
//! | `errno=`, `error=` | last receiver error; `_` in the text stands for a blank |
//! | `lag=`, `behind=`, `delay=` | seconds; `null` for unknown lag or distance |
//! | `family=mariadb`, `version=`, `mode=`, `gtid=off` | software and GTID |
//! | `errant=`, `executed=` | GTID sets |
//! | `nolog`, `noupdates`, `format=` | binary log |
//! | `ro`, `rw` | writable or not |
//! | `co` | flagged as co-primary |
//! | `semi=1/0` | semi-sync primary in effect, acknowledgements waited for / clients; `fallen` when it is not in effect |
//! | `sessions=`, `still=15s` | waiting sessions; binary log stands still since then |
//! | `semi_replica`, `priority=1` | semi-sync replica; its semi-sync priority |
//! | `group=SECONDARY/ONLINE/p1` | member of a group: role, state, its primary |
//! | `pos=file:4` | own binary log position |
//! | `cluster=`, `depth=`, `alias=`, `suggests=`, `dc=`, `region=` | place and classification |
//! | `replicas=2` | number of replicas that the server itself lists |
//! | `downtime=60s`, `lost`, `maintenance` | what operators said; `lost`: left behind by a failover |
//! | `rule=prefer`, `tag=name:value` | promotion rule, tag |
//! | `check=silent`, `writes=silent` | how the last check, or trial writes, failed: `refused`, `silent`, `unanswered`, `limit`, `denied`, `full`, `error` |
//! | `heartbeat=1s`, `still_receiver=5s` | the source owes one as often; the receiver got nothing for so long |
//! | `stuck=20s` | the applier runs and applied nothing for so long |
//! | `received=`, `sqlerrno=` | GTID set that the receiver brought; last applier error |
//! | `pseudo`, `maxscale` | Pseudo-GTID, binlog server |

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    AnalysisPolicy, BinlogCoordinates, Candidate, CheckFailure, Downtime, FailedCheck, FailedWrite,
    FailoverPolicy, Fleet, Instance, InstanceKey, Maintenance, PromotionRule, ReceiverHeartbeat,
    ReplicationPolicy, ServerVersion, StaleCoordinates, Tag, ThreadState, Timestamp,
};

/// A drawn fleet, the policy it is judged by, and the time.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The servers.
    pub fleet: Fleet,
    /// Defaults of the configuration, unless a `policy` line says otherwise.
    pub policy: AnalysisPolicy,
    /// Now.
    pub now: Timestamp,
}

/// The policy of a default configuration, without age limit.
pub fn default_policy() -> AnalysisPolicy {
    AnalysisPolicy {
        poll: Duration::from_secs(5),
        reasonable_check: Duration::from_secs(1),
        reasonable_lag_seconds: 10,
        reasonable_locked_semi_sync: Duration::from_secs(10),
        reduce_count: true,
        recover_non_writeable: false,
        exact_semi_sync: false,
        recover_locked_semi_sync: false,
        max_age: None,
        dead_needs_connect_failure: false,
    }
}

/// How failovers are decided in a default configuration.
pub fn default_failover_policy() -> FailoverPolicy {
    FailoverPolicy {
        apply_promotion: true,
        prevent_cross_data_center: false,
        prevent_cross_region: false,
        fail_on_lag: Duration::ZERO,
        fail_if_applier_behind: false,
        delay_if_applier_behind: false,
        detach_lost_replicas: true,
        detach_promoted_source: false,
        prevent_semi_sync_loss: true,
        recently_seen: Duration::from_secs(60),
        use_super_read_only: false,
        drain_timeout: Duration::from_secs(10),
        must_promote_other_co_primary: true,
        concurrent_moves: 5,
        replication: default_replication_policy(),
    }
}

/// The replication rules of a default configuration.
pub fn default_replication_policy() -> ReplicationPolicy {
    ReplicationPolicy {
        verify_filters: false,
        lower_replica_version_allowed: false,
        reasonable_maintenance_lag_seconds: 20,
    }
}

/// The key of a name in a scenario.
pub fn key(name: &str) -> InstanceKey {
    InstanceKey::parse(name, 3306).unwrap_or_else(|error| panic!("server {name:?}: {error}"))
}

impl Scenario {
    /// Reads the text. Panics on anything it does not understand.
    pub fn parse(text: &str) -> Self {
        let mut scenario = Self {
            fleet: Fleet::default(),
            policy: default_policy(),
            now: Timestamp::from_secs(1_800_000_000),
        };
        let mut drawn = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix("policy ") {
                Some(words) => {
                    words.split_whitespace().for_each(|word| set_policy(&mut scenario.policy, word))
                }
                None => drawn.push(scenario.draw(line, drawn.len() + 1)),
            }
        }
        let sources: BTreeMap<InstanceKey, InstanceKey> =
            drawn.iter().map(|instance| (instance.key.clone(), instance.primary_key.clone())).collect();
        for mut instance in drawn {
            let (name, depth) = place_of(&instance.key, &sources);
            if instance.cluster_name.is_empty() {
                instance.cluster_name = name;
            }
            if instance.depth == u32::MAX {
                instance.depth = depth;
            }
            scenario.fleet.insert(instance);
        }
        scenario
    }

    /// One server of the scenario; panics when it was not drawn.
    pub fn instance(&self, name: &str) -> &Instance {
        self.fleet.get(&key(name)).unwrap_or_else(|| panic!("no server {name:?}"))
    }

    fn draw(&mut self, line: &str, number: usize) -> Instance {
        let mut words = line.split_whitespace().peekable();
        let name = words.next().unwrap_or_default();
        let mut instance = healthy(key(name), number, self.now);
        if words.next_if_eq(&"<-").is_some() {
            let source = words.next().unwrap_or_else(|| panic!("{line:?}: no source after <-"));
            replicate(&mut instance, key(source));
        }
        for word in words {
            let (fact, value) = word.split_once('=').unwrap_or((word, ""));
            let is_known = set_check(&mut instance, fact, value, self.now)
                || set_replication(&mut instance, fact, value)
                || set_server(&mut instance, fact, value)
                || set_semi_sync_and_group(&mut instance, fact, value)
                || self.set_said(&instance, fact, value);
            assert!(is_known, "{line:?}: unknown fact {word:?}");
        }
        instance
    }

    /// What is not part of the instance.
    fn set_said(&mut self, instance: &Instance, fact: &str, value: &str) -> bool {
        let key = instance.key.clone();
        let downtime = |reason: &str, length| Downtime {
            key: key.clone(),
            owner: "dba".to_owned(),
            reason: reason.to_owned(),
            begin: self.now - Duration::from_secs(60),
            end: Some(self.now + length),
        };
        match fact {
            "downtime" => drop(self.fleet.downtimes.insert(key.clone(), downtime("work", seconds(value)))),
            "lost" => {
                let lost = downtime(Downtime::LOST_IN_RECOVERY, Duration::from_secs(3600));
                self.fleet.downtimes.insert(key, lost);
            }
            "maintenance" => {
                let (owner, reason) = ("dba".to_owned(), "work".to_owned());
                let row = Maintenance { id: 1, key: key.clone(), owner, reason, begin: self.now, end: None };
                self.fleet.maintenance.insert(key, row);
            }
            "still" => {
                let coordinates = instance.self_coordinates.clone();
                let row = StaleCoordinates { coordinates, first_seen: self.now - seconds(value) };
                self.fleet.stale_coordinates.insert(key, row);
            }
            "check" => {
                let failure = check_failure(value);
                let failed = FailedCheck { at: self.now - Duration::from_secs(1), failure, number: None };
                self.fleet.failed_checks.insert(key, failed);
            }
            "writes" => {
                let (at, failure) = (self.now - Duration::from_secs(1), check_failure(value));
                let failed = FailedWrite { at, failures: FailedWrite::PROOF, failure, number: None };
                self.fleet.failed_writes.insert(key, failed);
            }
            "rule" => {
                let rule = PromotionRule::from_stored(value).unwrap_or_else(|| panic!("rule {value:?}"));
                self.fleet.candidates.insert(key.clone(), Candidate { key, rule, last_suggested: self.now });
            }
            "tag" => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                let tag = Tag { name: name.to_owned(), value: value.to_owned() };
                self.fleet.tags.entry(key).or_default().insert(tag);
            }
            _ => return false,
        }
        true
    }
}

fn healthy(key: InstanceKey, number: usize, now: Timestamp) -> Instance {
    let read = Some(now - Duration::from_secs(1));
    let mut instance = Instance::unknown(key);
    instance.server_id = u32::try_from(number).unwrap_or(u32::MAX);
    instance.server_uuid = format!("00000000-0000-0000-0000-{number:012}");
    instance.version = ServerVersion::new("8.0.36", "MySQL Community Server - GPL");
    instance.version_comment = "MySQL Community Server - GPL".to_owned();
    instance.binlog_format = "ROW".to_owned();
    (instance.log_bin, instance.log_replica_updates) = (true, true);
    instance.self_coordinates = BinlogCoordinates::binary("binlog.000001", 1000);
    (instance.gtid_mode, instance.supports_oracle_gtid) = ("ON".to_owned(), true);
    (instance.last_checked, instance.last_attempted_check, instance.last_seen) = (read, read, read);
    instance.last_check_partial_success = true;
    instance.depth = u32::MAX;
    instance
}

fn replicate(instance: &mut Instance, source: InstanceKey) {
    instance.primary_key = source;
    instance.read_only = true;
    instance.lag_seconds = Some(0);
    let replication = &mut instance.replication;
    (replication.io_thread, replication.sql_thread) = (ThreadState::Running, ThreadState::Running);
    replication.read = BinlogCoordinates::binary("binlog.000001", 1000);
    replication.exec = replication.read.clone();
    replication.seconds_behind = Some(0);
    replication.oracle_gtid = true;
}

fn set_check(instance: &mut Instance, fact: &str, value: &str, now: Timestamp) -> bool {
    let just_now = Some(now - Duration::from_secs(1));
    match fact {
        "down" => {
            instance.last_seen = Some(now - seconds(value));
            (instance.last_checked, instance.last_attempted_check) = (just_now, just_now);
            instance.last_check_partial_success = false;
        }
        "hang" => {
            instance.last_seen = Some(now - seconds(value));
            instance.last_checked = instance.last_seen;
            instance.last_attempted_check = Some(now);
        }
        "age" => {
            let read = Some(now - seconds(value));
            (instance.last_seen, instance.last_checked, instance.last_attempted_check) = (read, read, read);
        }
        "never" => {
            instance.last_seen = None;
            instance.last_check_partial_success = false;
        }
        "partial" => instance.last_check_partial_success = true,
        _ => return false,
    }
    true
}

fn set_replication(instance: &mut Instance, fact: &str, value: &str) -> bool {
    let replication = &mut instance.replication;
    match fact {
        "io" => replication.io_thread = thread(value),
        "sql" => replication.sql_thread = thread(value),
        "failing" => {
            replication.io_thread = ThreadState::Other;
            replication.last_io_errno = 2003;
            replication.last_io_error = "error connecting to source 'repl@p1:3306'".to_owned();
        }
        "heartbeat" => {
            let period = seconds(value);
            replication.heartbeat =
                Some(ReceiverHeartbeat { period, received: 1, age: None, silent_for: None });
        }
        "still_receiver" => replication.receiver_idle = seconds(value),
        "stuck" => replication.applier_idle = seconds(value),
        "received" => replication.retrieved_gtid = value.to_owned(),
        "sqlerrno" => replication.last_sql_errno = number(value),
        "errno" => replication.last_io_errno = number(value),
        "error" => replication.last_io_error = value.replace('_', " "),
        "lag" => instance.lag_seconds = nullable(value),
        "behind" => replication.seconds_behind = nullable(value),
        "delay" => replication.sql_delay = number(value),
        "gtid" => replication.oracle_gtid = value != "off",
        "co" => instance.is_co_primary = true,
        _ => return false,
    }
    true
}

fn set_server(instance: &mut Instance, fact: &str, value: &str) -> bool {
    let text = || value.to_owned();
    match fact {
        "family" => {
            assert_eq!(value, "mariadb", "only this family has to be named");
            instance.version = ServerVersion::new("10.11.6-MariaDB-log", "Debian 12");
            instance.version_comment = "Debian 12".to_owned();
            instance.server_uuid.clear();
            (instance.gtid_mode, instance.supports_oracle_gtid) = (String::new(), false);
            instance.replication.mariadb_gtid = instance.replication.oracle_gtid;
            instance.replication.oracle_gtid = false;
        }
        "version" => instance.version = ServerVersion::new(value, ""),
        "maxscale" => instance.version = ServerVersion::new("2.1.0-maxscale", ""),
        "mode" => (instance.gtid_mode, instance.supports_oracle_gtid) = (text(), value != "OFF"),
        "pseudo" => instance.pseudo_gtid = true,
        "errant" => instance.gtid_errant = text(),
        "executed" => instance.executed_gtid = text(),
        "nolog" => instance.log_bin = false,
        "noupdates" => instance.log_replica_updates = false,
        "format" => instance.binlog_format = text(),
        "ro" => instance.read_only = true,
        "rw" => instance.read_only = false,
        "pos" => {
            let (file, pos) = value.split_once(':').unwrap_or_else(|| panic!("position {value:?}"));
            instance.self_coordinates = BinlogCoordinates::binary(file, number(pos).into());
        }
        "cluster" => instance.cluster_name = text(),
        "depth" => instance.depth = number(value),
        "alias" => instance.alias = text(),
        "suggests" => instance.suggested_cluster_alias = text(),
        "dc" => instance.data_center = text(),
        "region" => instance.region = text(),
        "replicas" => instance.replicas = (0..number(value)).map(|n| key(&format!("listed{n}"))).collect(),
        _ => return false,
    }
    true
}

fn set_semi_sync_and_group(instance: &mut Instance, fact: &str, value: &str) -> bool {
    let semi_sync = &mut instance.semi_sync;
    match fact {
        "semi" => {
            let (wait, clients) = value.split_once('/').unwrap_or_else(|| panic!("semi={value:?}"));
            (semi_sync.primary_enabled, semi_sync.primary_active) = (true, true);
            (semi_sync.wait_for_replica_count, semi_sync.primary_clients) = (number(wait), number(clients));
        }
        "fallen" => semi_sync.primary_active = false,
        "disabled" => semi_sync.primary_enabled = false,
        "sessions" => semi_sync.wait_sessions = Some(number(value)),
        "priority" => semi_sync.priority = number(value),
        "semi_replica" => semi_sync.replica_enabled = true,
        "group" => {
            let mut parts = value.split('/');
            let mut next = || parts.next().unwrap_or_else(|| panic!("group={value:?}")).to_owned();
            instance.group.name = "11111111-1111-1111-1111-111111111111".to_owned();
            instance.group.single_primary = true;
            instance.group.member_role = next();
            instance.group.member_state = next();
            instance.group.primary = Some(key(&next()));
        }
        _ => return false,
    }
    true
}

fn set_policy(policy: &mut AnalysisPolicy, word: &str) {
    match word.split_once('=').unwrap_or((word, "")) {
        ("exact_semi_sync", _) => policy.exact_semi_sync = true,
        ("recover_locked_semi_sync", _) => policy.recover_locked_semi_sync = true,
        ("repair_read_only", _) => policy.recover_non_writeable = true,
        ("no_reduce", _) => policy.reduce_count = false,
        ("need_connect_failure", _) => policy.dead_needs_connect_failure = true,
        ("max_age", value) => policy.max_age = Some(seconds(value)),
        (other, _) => panic!("unknown policy {other:?}"),
    }
}

/// Cluster name and depth: the top of the chain of sources; in a ring, its smallest key, at depth 0 like a primary.
fn place_of(start: &InstanceKey, sources: &BTreeMap<InstanceKey, InstanceKey>) -> (String, u32) {
    let mut chain = vec![start];
    while let Some(source) = sources.get(chain[chain.len() - 1]).filter(|source| sources.contains_key(source))
    {
        if let Some(entry) = chain.iter().position(|known| *known == source) {
            let top = chain[entry..].iter().min().unwrap_or(&start);
            let depth = chain.iter().position(|known| known == top).unwrap_or(0);
            return (top.to_string(), u32::try_from(depth).unwrap_or(u32::MAX));
        }
        chain.push(source);
    }
    (chain[chain.len() - 1].to_string(), u32::try_from(chain.len() - 1).unwrap_or(u32::MAX))
}

fn seconds(value: &str) -> Duration {
    let digits = value.strip_suffix('s').unwrap_or_else(|| panic!("{value:?}: seconds are written 12s"));
    Duration::from_secs(number(digits).into())
}

fn number(value: &str) -> u32 {
    value.parse().unwrap_or_else(|_| panic!("{value:?} is not a number"))
}

fn nullable(value: &str) -> Option<i64> {
    (value != "null").then(|| number(value).into())
}

fn check_failure(value: &str) -> CheckFailure {
    match value {
        "refused" => CheckFailure::Refused,
        "silent" => CheckFailure::Silent,
        "unanswered" => CheckFailure::Unanswered,
        "limit" => CheckFailure::ConnectionLimit,
        "denied" => CheckFailure::AccessDenied,
        "full" => CheckFailure::DiskFull,
        "error" => CheckFailure::Other,
        _ => panic!("unknown failure {value:?}"),
    }
}

fn thread(value: &str) -> ThreadState {
    match value {
        "running" => ThreadState::Running,
        "stopped" => ThreadState::Stopped,
        "connecting" => ThreadState::Other,
        "absent" => ThreadState::Absent,
        _ => panic!("unknown thread state {value:?}"),
    }
}

/// What analysis reports of a scenario, one line per finding, without port 3306: `p1: DeadMaster, Warning (downtimed)`.
pub fn render_analysis(scenario: &Scenario) -> String {
    use crate::analysis::{Hints, NoFilters, Scope, analyze};
    let hints = Hints { include_downtimed: true, include_no_problem: false };
    let findings = analyze(&scenario.fleet, Scope::All, hints, &scenario.policy, &NoFilters, scenario.now);
    let lines: Vec<String> = findings.iter().map(render_finding).collect();
    lines.join("\n")
}

fn render_finding(finding: &model::Finding) -> String {
    let mut codes = vec![finding.code.as_str()];
    codes.extend(finding.structure.iter().map(|code| code.as_str()));
    let mut line = format!("{}: {}", finding.key, codes.join(", ")).replace(":3306", "");
    if finding.is_downtimed {
        line.push_str(" (downtimed)");
    }
    if finding.is_replicas_downtimed {
        line.push_str(" (replicas downtimed)");
    }
    let has_recovery =
        crate::analysis::rule_of(finding.code).is_some_and(|rule| rule.response.is_actionable());
    if has_recovery && !finding.is_actionable {
        line.push_str(" (withheld)");
    }
    line
}

/// Draws a topology, analyses it and compares the report with the expected lines; blank lines and indents do not count.
#[track_caller]
pub fn check_analysis(text: &str, expected: &str) {
    let found = render_analysis(&Scenario::parse(text));
    let wanted: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, wanted.join("\n"), "\nscenario:\n{text}");
}
