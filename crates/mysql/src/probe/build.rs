//! Putting the answers of one read together.

use std::borrow::Cow;

use model::{BinlogCoordinates, Instance, InstanceKey, Observation, Replication};
use ports::ErrorClass;

use super::asks::{Answers, Ask};
use super::{ReadFailure, Subject, detect, group, replicas, replication, semi_sync};
use crate::capabilities::Family;
use crate::errors::Failure;
use crate::options::{MySqlOptions, OwnName};
use crate::session::Session;
use crate::tables::{Table, is_on};

/// The basic variables, answered as a row or as a listing.
struct Basics<'a>(&'a Table);

impl<'a> Basics<'a> {
    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        match self.0.first() {
            Some(row) if row.has("Variable_name") => self.0.named(name),
            Some(row) => row.text(&[name]),
            None => None,
        }
    }

    fn owned(&self, name: &str) -> String {
        self.text(name).map(Cow::into_owned).unwrap_or_default()
    }

    fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| is_on(&text))
    }
}

/// The observation made of these answers.
pub(crate) fn observation(
    session: &Session,
    subject: &Subject<'_>,
    mut answers: Answers,
) -> Result<Observation, ReadFailure> {
    let missing = |what: &str| Failure::own(ErrorClass::Protocol, format!("no answer about {what}"));
    let basics = answers.get(Ask::Basics).ok_or_else(|| ReadFailure::early(missing("basic variables")))?;
    let mut instance = identity(session, subject, &Basics(basics));
    let own_name = own_name(&Basics(basics), subject)?;
    let status = answers.get(Ask::Replication).ok_or_else(|| ReadFailure::late(missing("replication")))?;
    let mut others = Vec::new();
    fill_replication(&mut instance, subject, status, answers.get(Ask::Receivers), &mut others)?;
    if let Some(row) = answers.get(Ask::BinaryLog).and_then(Table::first) {
        instance.self_coordinates =
            BinlogCoordinates::binary(row.owned(&["File"]), row.number(&["Position"]).unwrap_or(0));
        if session.capabilities().counts_begun
            && let (Some(executed), Some(channel)) =
                (row.text(&["Executed_Gtid_Set"]), replication::choose_channel(status).row)
        {
            replication::without_begun(&mut instance.replication, channel, &executed);
        }
    }
    instance.credentials_available = if subject.options.queries.replication_credentials.is_empty() {
        let found = answers.get(Ask::Credentials).and_then(Table::first);
        found.and_then(|row| row.number::<u64>(&["found"])).is_some_and(|count| count > 0)
    } else {
        true
    };
    instance.semi_sync = semi_sync::read(&answers, &session.knowledge);
    instance.replicas = replicas::read(&answers, subject.key, subject.options);
    if let Some(members) = answers.get(Ask::Group) {
        instance.group = group::read(members, &instance.server_uuid);
    }
    if !others.is_empty() {
        answers.notes.push(format!("replication channels not followed: {}", others.join(", ")));
    }
    let detected = detect::read(&mut answers, subject.key.port());
    if let Some(lag) = detected.lag_seconds {
        instance.lag_seconds = lag;
    }
    instance.semi_sync.priority = detected.semi_sync_priority.unwrap_or(0);
    instance.pseudo_gtid = detected.pseudo_gtid.unwrap_or(false);
    instance.alias = detected.instance_alias.clone().unwrap_or_default();
    instance.data_center = detected.data_center.clone().unwrap_or_default();
    instance.region = detected.region.clone().unwrap_or_default();
    instance.physical_environment = detected.physical_environment.clone().unwrap_or_default();
    Ok(Observation { instance, own_name, detected, incomplete: answers.notes })
}

/// What the server says about itself.
fn identity(session: &Session, subject: &Subject<'_>, basics: &Basics<'_>) -> Instance {
    let caps = session.capabilities();
    let mut instance = Instance::unknown(subject.key.clone());
    instance.uptime = session.uptime_seconds();
    instance.version = session.greeting.version.clone();
    instance.version_comment = session.greeting.version_comment.clone();
    instance.server_id = basics.text("server_id").and_then(|text| text.parse().ok()).unwrap_or(0);
    instance.server_uuid = basics.owned("server_uuid");
    instance.read_only = basics.is_on("read_only");
    instance.super_read_only = basics.text("super_read_only").map(|text| is_on(&text));
    // A server that dropped the variable always writes rows.
    instance.binlog_format = basics.text("binlog_format").map_or_else(|| "ROW".to_owned(), Cow::into_owned);
    instance.binlog_row_image = basics.owned("binlog_row_image");
    instance.log_bin = basics.is_on("log_bin");
    let updates = if caps.log_replica_updates { "log_replica_updates" } else { "log_slave_updates" };
    instance.log_replica_updates = basics.is_on(updates);
    instance.gtid_mode = basics.owned("gtid_mode");
    instance.supports_oracle_gtid = !instance.gtid_mode.is_empty() && instance.gtid_mode != "OFF";
    instance.executed_gtid = basics.owned("gtid_executed");
    instance.gtid_purged = basics.owned("gtid_purged");
    if caps.family == Family::MariaDb {
        let current = basics.owned("gtid_current_pos");
        instance.mariadb_gtid_position =
            if current.is_empty() { basics.owned("gtid_binlog_pos") } else { current };
    }
    instance
}

fn own_name(basics: &Basics<'_>, subject: &Subject<'_>) -> Result<String, ReadFailure> {
    let refuse = |message| Err(ReadFailure::late(Failure::own(ErrorClass::Rejected, message)));
    match subject.options.own_name {
        OwnName::AsAsked => Ok(subject.key.hostname().to_owned()),
        OwnName::Hostname => match basics.owned("hostname") {
            name if name.is_empty() => refuse(format!("empty hostname ({}). Bailing out", subject.key)),
            name => Ok(name),
        },
        OwnName::ReportHost => match basics.owned("report_host") {
            name if name.is_empty() => refuse(format!(
                "MySQLHostnameResolveMethod configured to use @@report_host but {} has NULL/empty @@report_host",
                subject.key
            )),
            name => Ok(name),
        },
    }
}

/// Replication facts of the channel that counts.
pub(super) fn fill_replication(
    instance: &mut Instance,
    subject: &Subject<'_>,
    status: &Table,
    receivers: Option<&Table>,
    others: &mut Vec<String>,
) -> Result<(), ReadFailure> {
    let choice = replication::choose_channel(status);
    let Some(row) = choice.row else {
        instance.replication = Replication::default();
        return Ok(());
    };
    refuse_ignored_user(&replication::user(row), subject.key, subject.options)?;
    instance.primary_key = replication::source_key(row);
    instance.replication = replication::read(row);
    match receivers {
        Some(receivers) => replication::add_receiver(&mut instance.replication, receivers, &choice.name),
        None => replication::add_row_heartbeat(&mut instance.replication, row, subject.memory),
    }
    instance.lag_seconds = instance.replication.seconds_behind;
    *others = choice.others;
    Ok(())
}

fn refuse_ignored_user(user: &str, key: &InstanceKey, options: &MySqlOptions) -> Result<(), ReadFailure> {
    if !options.ignore_replication_users.iter().any(|filter| filter.is_match(user)) {
        return Ok(());
    }
    let message =
        format!("Host {key} is excluded from discovery by DiscoveryIgnoreReplicationUsernameFilters.");
    Err(ReadFailure {
        skipped_by_filter: true,
        ..ReadFailure::late(Failure::own(ErrorClass::Rejected, message))
    })
}
