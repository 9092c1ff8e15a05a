//! Makes the effective configuration out of the one that was read: credentials files, `${...}`, old names, normal forms.
//!
//! Always computed from scratch, so the outcome never depends on earlier loads. A key that a file gives is stronger than
//! the default of its old or new name; where that differs from the original orchestrator, a warning says so.

use std::io;
use std::path::Path;

use model::Secret;

use crate::credentials::parse;
use crate::expand::{Sources, expand, has_text_around};
use crate::key::Key;
use crate::keys;
use crate::read::AsRead;
use crate::report::{Complaint, ConfigError, Origin, Report};
use crate::value::Value;

const CREDENTIALS: [(&str, &str, &str); 2] = [
    ("MySQLOrchestratorCredentialsConfigFile", "MySQLOrchestratorUser", "MySQLOrchestratorPassword"),
    ("MySQLTopologyCredentialsConfigFile", "MySQLTopologyUser", "MySQLTopologyPassword"),
];

/// What adjusting needs from outside.
pub(crate) struct Outside<'a> {
    pub(crate) sources: Sources<'a>,
    pub(crate) readable_by_others: &'a dyn Fn(&Path) -> bool,
}

/// One row of the derivations, applied in order.
type Rule = fn(&mut AsRead, &mut Report);

const RULES: &[Rule] = &[
    block_period,
    lag_query,
    detach_lost_replicas,
    detach_promoted_source,
    postpone_delayed,
    url_prefix,
    raft_advertise,
    kv_prefix,
    pseudo_gtid,
    write_buffer,
    consul_transaction_size,
    locked_semi_sync,
    resolve_expiry,
    power_users,
];

/// Turns what was read into the effective values.
pub(crate) fn adjust(config: &mut AsRead, outside: &Outside<'_>, report: &mut Report) {
    for (file_key, user_key, password_key) in CREDENTIALS {
        if let Some(key) = keys::find(file_key) {
            expand_key(config, key, &outside.sources, report);
        }
        take_credentials(config, [file_key, user_key, password_key], outside, report);
    }
    for key in keys::all().iter().filter(|key| key.expanded && !is_credentials_file(key)) {
        expand_key(config, key, &outside.sources, report);
    }
    for rule in RULES {
        rule(config, report);
    }
}

impl AsRead {
    /// Whether a file gives the key.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.origins.contains_key(name)
    }

    /// Reports that the value of a key is refused.
    pub(crate) fn refuse(
        &self,
        report: &mut Report,
        name: &str,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let (origin, value) = (self.origins.get(name).cloned(), self.values.get(name).shown());
        let (key, what, cure) = (Some(name.to_owned()), what.into(), cure.into());
        report.error(ConfigError { origin, key, value, what, cure, is_undecodable: false });
    }

    /// Reports something noteworthy about the value of a key.
    pub(crate) fn warn(&self, report: &mut Report, name: &str, text: impl Into<String>) {
        report.warn(self.origins.get(name).cloned(), Some(name), text);
    }
}

fn is_credentials_file(key: &Key) -> bool {
    CREDENTIALS.iter().any(|(file_key, _, _)| *file_key == key.name)
}

fn expand_key(config: &mut AsRead, key: &'static Key, sources: &Sources<'_>, report: &mut Report) {
    let expanded = match config.values.get(key.name) {
        Value::Text(text) => expand(text, sources).map(Value::Text),
        Value::Secret(secret) => {
            if has_text_around(secret.expose()) {
                config.warn(
                    report,
                    key.name,
                    "text around ${...} is kept; the original orchestrator drops it",
                );
            }
            expand(secret.expose(), sources).map(|text| Value::Secret(Secret::new(text)))
        }
        Value::List(Some(list)) => list
            .iter()
            .map(|text| expand(text, sources))
            .collect::<Result<_, _>>()
            .map(|l| Value::List(Some(l))),
        _ => return,
    };
    match expanded {
        Ok(value) => config.values.set(key.name, value),
        Err(complaints) => {
            for Complaint { what, cure } in complaints {
                config.refuse(report, key.name, what, cure);
            }
        }
    }
}

fn take_credentials(
    config: &mut AsRead,
    names: [&'static str; 3],
    outside: &Outside<'_>,
    report: &mut Report,
) {
    let [file_key, user_key, password_key] = names;
    let file = config.values.text(file_key).to_owned();
    if file.is_empty() {
        return;
    }
    let file = Path::new(&file);
    let text = match (outside.sources.read_file)(file) {
        Ok(text) => text,
        Err(error) => {
            let cure = "correct the path, or let the user of this process read the file";
            config.refuse(report, file_key, format!("cannot read the credentials file: {error}"), cure);
            return;
        }
    };
    if (outside.readable_by_others)(file) {
        config.warn(
            report,
            file_key,
            format!("everybody on this host can read {}; chmod o-r it", file.display()),
        );
    }
    let credentials = match parse(&text) {
        Ok(credentials) => credentials,
        Err(refused) => {
            let what = format!("Failed to parse gcfg data from file: {}", refused.what);
            let (origin, key) = (Some(Origin::at(file, refused.at)), Some(file_key.to_owned()));
            let cure = "the file holds [client] with user=… and password=\"…\"".to_owned();
            report.error(ConfigError { origin, key, value: None, what, cure, is_undecodable: false });
            return;
        }
    };
    if let Some(user) = credentials.user {
        config.values.set(user_key, Value::Text(user));
        config.origins.insert(user_key, Origin::file(file));
    }
    if let Some(password) = credentials.password {
        config.values.set(password_key, Value::Secret(password));
        config.origins.insert(password_key, Origin::file(file));
    }
}

fn block_period(config: &mut AsRead, report: &mut Report) {
    let (old, new) = ("RecoveryPeriodBlockMinutes", "RecoveryPeriodBlockSeconds");
    let minutes = config.values.integer(old);
    match (config.is_given(old), config.is_given(new)) {
        (true, false) => {
            config.warn(
                report,
                old,
                "it counts, for RecoveryPeriodBlockSeconds is not given; the original ignores it",
            );
        }
        (true, true) if config.values.integer(new) == 0 && minutes > 0 => {}
        (false, true) if config.values.integer(new) == 0 => {
            config.warn(report, new, "0 lets recoveries follow each other; the original takes 3600 for it");
            return;
        }
        _ => return,
    }
    config.values.set(new, Value::Integer(minutes.max(0).saturating_mul(60)));
}

fn lag_query(config: &mut AsRead, report: &mut Report) {
    let (old, new) = ("SlaveLagQuery", "ReplicationLagQuery");
    let (old_query, new_query) = (config.values.text(old).to_owned(), config.values.text(new).to_owned());
    if !old_query.is_empty() && !new_query.is_empty() && old_query != new_query {
        let what = "config's ReplicationLagQuery and SlaveLagQuery are synonyms and cannot both be defined";
        config.refuse(report, old, what, "remove SlaveLagQuery");
    }
    if new_query.is_empty() {
        config.values.set(new, Value::Text(old_query));
    }
    config.values.set(old, Value::Text(String::new()));
}

fn detach_lost_replicas(config: &mut AsRead, report: &mut Report) {
    let (old, new) = ("DetachLostSlavesAfterMasterFailover", "DetachLostReplicasAfterMasterFailover");
    let disagree = config.values.flag(old) && !config.values.flag(new);
    match (config.is_given(old), config.is_given(new)) {
        (false, true) if disagree => {
            config.warn(
                report,
                new,
                "false counts; the original keeps detaching unless the old name is false, too",
            );
            return;
        }
        (true, true) if disagree => config.warn(report, old, "true wins over the false of its new name"),
        _ => {}
    }
    if config.values.flag(old) {
        config.values.set(new, Value::Flag(true));
    }
}

fn detach_promoted_source(config: &mut AsRead, report: &mut Report) {
    let (old, new) = ("MasterFailoverDetachSlaveMasterHost", "MasterFailoverDetachReplicaMasterHost");
    if config.values.flag(old) {
        if config.is_given(new) && !config.values.flag(new) {
            config.warn(report, old, "true wins over the false of its new name");
        }
        config.values.set(new, Value::Flag(true));
    }
}

fn postpone_delayed(config: &mut AsRead, report: &mut Report) {
    let (old, new) = ("PostponeSlaveRecoveryOnLagMinutes", "PostponeReplicaRecoveryOnLagMinutes");
    let (old_minutes, new_minutes) = (config.values.integer(old), config.values.integer(new));
    if old_minutes != 0 && new_minutes != 0 && old_minutes != new_minutes {
        let what = "config's PostponeReplicaRecoveryOnLagMinutes and PostponeSlaveRecoveryOnLagMinutes are synonyms \
                    and cannot both be defined";
        config.refuse(report, old, what, "remove PostponeSlaveRecoveryOnLagMinutes");
    }
    if old_minutes != 0 {
        config.values.set(new, Value::Integer(old_minutes));
    }
}

fn url_prefix(config: &mut AsRead, _: &mut Report) {
    // A prefix of slashes only is no prefix. Differs: the original then serves routes that nothing can match.
    let inner = config.values.text("URLPrefix").trim_matches('/');
    let prefix = if inner.is_empty() { String::new() } else { format!("/{inner}") };
    config.values.set("URLPrefix", Value::Text(prefix));
}

fn raft_advertise(config: &mut AsRead, _: &mut Report) {
    if config.values.text("RaftAdvertise").is_empty() {
        let bind = config.values.text("RaftBind").to_owned();
        config.values.set("RaftAdvertise", Value::Text(bind));
    }
}

fn kv_prefix(config: &mut AsRead, _: &mut Report) {
    let prefix = config.values.text("KVClusterMasterPrefix").trim_end_matches('/');
    let prefix = format!("{prefix}/");
    config.values.set("KVClusterMasterPrefix", Value::Text(prefix));
}

fn pseudo_gtid(config: &mut AsRead, _: &mut Report) {
    if config.values.flag("AutoPseudoGTID") {
        let text = |text: &str| Value::Text(text.to_owned());
        config.values.set("PseudoGTIDPattern", text("drop view if exists `_pseudo_gtid_`"));
        config.values.set("PseudoGTIDPatternIsFixedSubstring", Value::Flag(true));
        config.values.set("PseudoGTIDMonotonicHint", text("asc:"));
        config.values.set("DetectPseudoGTIDQuery", text("select 1"));
    }
}

fn write_buffer(config: &mut AsRead, report: &mut Report) {
    let size = config.values.integer("InstanceWriteBufferSize");
    if size <= 0 && config.values.flag("BufferInstanceWrites") {
        config.warn(report, "InstanceWriteBufferSize", "writes are not buffered with a size of 0 or less");
        config.values.set("BufferInstanceWrites", Value::Flag(false));
    }
}

fn consul_transaction_size(config: &mut AsRead, _: &mut Report) {
    let size = config.values.integer("ConsulMaxKVsPerTransaction").clamp(5, 64);
    config.values.set("ConsulMaxKVsPerTransaction", Value::Integer(size));
}

fn locked_semi_sync(config: &mut AsRead, _: &mut Report) {
    if config.values.integer("ReasonableLockedSemiSyncMasterSeconds") == 0 {
        let lag = config.values.integer("ReasonableReplicationLagSeconds");
        config.values.set("ReasonableLockedSemiSyncMasterSeconds", Value::Integer(lag));
    }
}

fn resolve_expiry(config: &mut AsRead, report: &mut Report) {
    let name = "ExpiryHostnameResolvesMinutes";
    if config.values.integer(name) < 1 {
        config.warn(report, name, "brought to 1, the least");
        config.values.set(name, Value::Integer(1));
    }
}

fn power_users(config: &mut AsRead, report: &mut Report) {
    // Differs: the original lets everyone change everything who reaches the port with whatever header.
    let by_proxy = config.values.text("AuthenticationMethod").eq_ignore_ascii_case("proxy");
    if by_proxy && !config.is_given("PowerAuthUsers") {
        let text =
            "not given, so with proxy authentication nobody is a power user by name; name them, or [\"*\"]";
        config.warn(report, "PowerAuthUsers", text);
        config.values.set("PowerAuthUsers", Value::List(Some(Vec::new())));
    }
}

/// Whether an error says that there is no such file, rather than that it cannot be read.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
