//! From answers to an observation.

use model::{BinlogCoordinates, Flavor, Instance, InstanceKey, Observation, Replication};
use ports::ErrorClass;

use super::asks::{Answers, Ask};
use super::{ReadFailure, Subject, detect, group, replicas, replication, semi_sync};
use crate::errors::Failure;
use crate::options::OwnName;
use crate::session::Session;
use crate::tables::{Table, is_on};

/// Basic variables, from one row or from a listing.
struct Basics<'a> {
    table: &'a Table,
    as_listing: bool,
}

impl Basics<'_> {
    fn text(&self, names: &[&str]) -> String {
        if self.as_listing {
            names
                .iter()
                .find_map(|name| self.table.named(name))
                .map(|text| text.into_owned())
                .unwrap_or_default()
        } else {
            self.table.first().map(|row| row.owned(names)).unwrap_or_default()
        }
    }

    fn is_on(&self, names: &[&str]) -> bool {
        is_on(&self.text(names))
    }
}

/// Everything a read of an ordinary server brought back.
pub(super) fn observation(
    session: &mut Session,
    subject: &Subject<'_>,
    mut answers: Answers,
) -> Result<Observation, ReadFailure> {
    let missing =
        |what: &str| ReadFailure::late(Failure::own(ErrorClass::Protocol, format!("no answer about {what}")));
    let detected = detect::read(&mut answers, subject.key.port());
    let basics = answers.get(Ask::Basics).ok_or_else(|| missing("basic variables"))?;
    let basics = Basics { table: basics, as_listing: session.knowledge.basics_as_listing };
    let status = answers.get(Ask::Replication).ok_or_else(|| missing("replication"))?;
    let own_name = own_name(&basics, subject)?;

    let mut instance = Instance::unknown(subject.key.clone());
    describe(&mut instance, session, &basics);
    if let Some((row, channel)) = replication::choose_channel(status) {
        let user = replication::user_of(&row);
        if subject.options.ignore_replication_users.iter().any(|filter| filter.is_match(&user)) {
            return Err(filtered(subject.key));
        }
        instance.primary_key = replication::source_of(&row);
        instance.replication = replication::read(&row, &channel, answers.get(Ask::Receivers));
    } else {
        instance.replication = Replication::default();
    }
    subject.memory.note(subject.key, &instance.primary_key);
    if let Some(row) = answers.get(Ask::BinaryLog).and_then(Table::first) {
        instance.self_coordinates =
            BinlogCoordinates::binary(row.owned(&["File"]), row.number(&["Position"]).unwrap_or(0));
    }
    instance.lag_seconds = instance.replication.seconds_behind;
    instance.semi_sync = semi_sync::read(answers.get(Ask::SemiSync), answers.get(Ask::SemiSyncStatus));
    session.knowledge.semi_sync_on = instance.semi_sync.primary_enabled || instance.semi_sync.replica_enabled;
    if let Some(members) = answers.get(Ask::Group) {
        instance.group = group::read(members, &instance.server_uuid);
    }
    instance.replicas =
        replicas::read(subject, subject.key, answers.get(Ask::ReplicaList), answers.get(Ask::BinlogReaders));
    instance.credentials_available = !subject.options.queries.replication_credentials.trim().is_empty()
        || answers
            .get(Ask::Credentials)
            .and_then(Table::first)
            .and_then(|row| row.number::<u64>(&["found"]))
            .is_some_and(|found| found > 0);
    Ok(Observation { instance, own_name, detected, incomplete: answers.notes })
}

fn describe(instance: &mut Instance, session: &Session, basics: &Basics<'_>) {
    let greeting = &session.greeting;
    instance.uptime = session.uptime_seconds();
    instance.version = greeting.version.clone();
    instance.version_comment.clone_from(&greeting.version_comment);
    instance.server_id = basics.text(&["server_id"]).parse().unwrap_or(0);
    instance.read_only = basics.is_on(&["read_only"]);
    instance.super_read_only =
        greeting.capabilities.super_read_only.then(|| basics.is_on(&["super_read_only"]));
    let format = basics.text(&["binlog_format"]);
    instance.binlog_format = if format.is_empty() { "ROW".to_owned() } else { format };
    instance.log_bin = basics.is_on(&["log_bin"]);
    instance.log_replica_updates = basics.is_on(&["log_replica_updates", "log_slave_updates"]);
    if greeting.version.flavor == Flavor::MariaDb {
        let current = basics.text(&["gtid_current_pos"]);
        instance.mariadb_gtid_position =
            if current.is_empty() { basics.text(&["gtid_binlog_pos"]) } else { current };
    } else {
        instance.gtid_mode = basics.text(&["gtid_mode"]);
        instance.supports_oracle_gtid = !(instance.gtid_mode.is_empty() || instance.gtid_mode == "OFF");
        instance.server_uuid = basics.text(&["server_uuid"]);
        instance.executed_gtid = basics.text(&["gtid_executed"]);
        instance.gtid_purged = basics.text(&["gtid_purged"]);
        instance.binlog_row_image = basics.text(&["binlog_row_image"]);
    }
}

fn own_name(basics: &Basics<'_>, subject: &Subject<'_>) -> Result<String, ReadFailure> {
    let name = match subject.options.own_name {
        OwnName::AsAsked => subject.key.hostname().to_owned(),
        OwnName::Hostname => basics.text(&["hostname"]),
        OwnName::ReportHost => basics.text(&["report_host"]),
    };
    if !name.is_empty() {
        return Ok(name);
    }
    let key = subject.key;
    let message = if subject.options.own_name == OwnName::ReportHost {
        format!(
            "MySQLHostnameResolveMethod configured to use @@report_host but {key} has NULL/empty @@report_host"
        )
    } else {
        format!("ReadTopologyInstance: empty hostname ({key}). Bailing out")
    };
    Err(ReadFailure::late(Failure::own(ErrorClass::Rejected, message)))
}

fn filtered(key: &InstanceKey) -> ReadFailure {
    let message =
        format!("Host {key} is excluded from discovery by DiscoveryIgnoreReplicationUsernameFilters.");
    ReadFailure { skipped_by_filter: true, ..ReadFailure::late(Failure::own(ErrorClass::Rejected, message)) }
}
