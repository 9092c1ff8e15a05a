//! `topology_recovery` and `global_recovery_disable`: recoveries, their locks, results and acknowledgements.

use std::time::Duration;

use model::{AcknowledgeScope, Case, InstanceKey, NodeIdentity, Recovery, RegroupMode, Timestamp};
use ports::RecoveryQuery;

use super::detections::{self, stored_case, stored_node};
use super::periods::{self, Periods};
use super::{PAGE, blocked};
use crate::cell::{Cell, key_list, key_of, sql_time};
use crate::sql::{self, Db, Row, params};

const SELECT: &str =
    "select recovery_id, uid, hostname, port, in_active_period, start_active_period, end_recovery,
    processing_node_hostname, processcing_node_token, is_successful, successor_hostname, successor_port,
    successor_alias, analysis, cluster_name, cluster_alias, count_affected_slaves, slave_hosts,
    participating_instances, lost_slaves, all_errors, acknowledged, acknowledged_at, acknowledged_by,
    acknowledge_comment, last_detection_id
  from topology_recovery";

/// "Recently" in listings.
const RECENTLY: Duration = Duration::from_secs(5 * 60);

/// Result of a recovery.
pub(crate) struct Resolution<'a> {
    pub(crate) uid: &'a str,
    pub(crate) is_successful: bool,
    pub(crate) successor: Option<&'a InstanceKey>,
    pub(crate) successor_alias: &'a str,
    pub(crate) lost_replicas: &'a [InstanceKey],
    pub(crate) participating: &'a [InstanceKey],
    pub(crate) errors: &'a [String],
    pub(crate) at: Timestamp,
}

/// Automatic recoveries are switched off.
pub(crate) fn are_disabled(db: &Db<'_>) -> sql::Result<bool> {
    let statement = "select disable_recovery from global_recovery_disable where disable_recovery = 1";
    Ok(!sql::query(db, statement, [], |_| Ok(()))?.is_empty())
}

/// Switches automatic recoveries off or on.
pub(crate) fn disable(db: &Db<'_>, is_disabled: bool) -> sql::Result<()> {
    if is_disabled {
        let statement = sql::insert_ignore("global_recovery_disable", &["disable_recovery"]);
        sql::execute(db, &statement, [1]).map(drop)
    } else {
        sql::execute(db, "delete from global_recovery_disable where disable_recovery >= 0", []).map(drop)
    }
}

/// Registers a recovery and returns its id; nothing when the server has one in its active period.
pub(crate) fn register(
    db: &Db<'_>,
    uid: &str,
    case: &Case,
    node: &NodeIdentity,
    at: Timestamp,
) -> sql::Result<Option<i64>> {
    let statement = sql::insert_ignore(
        "topology_recovery",
        &[
            "uid",
            "hostname",
            "port",
            "in_active_period",
            "start_active_period",
            "end_active_period_unixtime",
            "processing_node_hostname",
            "processcing_node_token",
            "analysis",
            "cluster_name",
            "cluster_alias",
            "count_affected_slaves",
            "slave_hosts",
            "last_detection_id",
            "participating_instances",
            "lost_slaves",
            "all_errors",
            "acknowledged_by",
            "acknowledge_comment",
        ],
    );
    let inserted = sql::execute(
        db,
        &statement,
        params![
            uid,
            case.key.hostname(),
            case.key.port(),
            1,
            sql_time(at),
            0,
            node.hostname,
            node.token,
            case.code.as_str(),
            case.cluster_name,
            case.cluster_alias,
            case.count_replicas,
            key_list(&case.replicas),
            detections::last_id(db, &case.key)?,
            "",
            "",
            "",
            "",
            "",
        ],
    )?;
    Ok((inserted > 0).then(|| db.last_insert_id()))
}

/// Writes the result. The active period goes on: it is what keeps the cluster from flapping.
pub(crate) fn resolve(db: &Db<'_>, resolution: &Resolution<'_>) -> sql::Result<()> {
    sql::execute(
        db,
        "update topology_recovery set is_successful = ?, successor_hostname = ?, successor_port = ?,
           successor_alias = ?, lost_slaves = ?, participating_instances = ?, all_errors = ?, end_recovery = ?
         where uid = ?",
        params![
            resolution.is_successful,
            resolution.successor.map_or("", InstanceKey::hostname),
            resolution.successor.map_or(0, InstanceKey::port),
            resolution.successor_alias,
            key_list(resolution.lost_replicas),
            key_list(resolution.participating),
            resolution.errors.join("\n"),
            sql_time(resolution.at),
            resolution.uid,
        ],
    )
    .map(drop)
}

/// Acknowledges what the scope means and is not acknowledged yet, and ends its active periods. How many there were.
pub(crate) fn acknowledge(
    db: &Db<'_>,
    scope: &AcknowledgeScope,
    owner: &str,
    comment: &str,
    at: Timestamp,
) -> sql::Result<usize> {
    let select = |condition: &str| {
        format!(
            "select recovery_id as id from topology_recovery where acknowledged = 0 and {condition} order by recovery_id"
        )
    };
    let of_server = "hostname = ? and port = ?";
    let not_ended = db.is_unset("end_recovery");
    let ids = match scope {
        AcknowledgeScope::All => periods::ids(db, &select("1 = 1"), [])?,
        AcknowledgeScope::Id(id) => periods::ids(db, &select("recovery_id = ?"), [id])?,
        AcknowledgeScope::Uid(uid) => periods::ids(db, &select("uid = ?"), [uid])?,
        AcknowledgeScope::Instance(key) => {
            detections::clear(db, key, at)?;
            periods::ids(db, &select(of_server), params![key.hostname(), key.port()])?
        }
        AcknowledgeScope::Cluster { name, alias } => {
            detections::clear_cluster(db, name, alias, at)?;
            let condition = "(cluster_name = ? or (cluster_alias = ? and cluster_alias <> ''))";
            periods::ids(db, &select(condition), [name, alias])?
        }
        AcknowledgeScope::FinishedOf(key) => {
            let condition = format!("{of_server} and not {not_ended}");
            periods::ids(db, &select(&condition), params![key.hostname(), key.port()])?
        }
    };
    acknowledge_rows(db, &ids, owner, comment, at)?;
    Ok(ids.len())
}

/// Acknowledges and ends running recoveries of processes that are not in the node registry. How many there were.
pub(crate) fn acknowledge_crashed(db: &Db<'_>, at: Timestamp) -> sql::Result<usize> {
    let not_ended = db.is_unset("end_recovery");
    let statement = format!(
        "select recovery_id as id from topology_recovery
         where acknowledged = 0 and in_active_period = 1 and {not_ended} and not exists (
           select 1 from node_health
           where node_health.hostname = topology_recovery.processing_node_hostname
             and node_health.token = topology_recovery.processcing_node_token)
         order by recovery_id"
    );
    let ids = periods::ids(db, &statement, [])?;
    acknowledge_rows(db, &ids, "orchestrator", "detected crashed recovery", at)?;
    for id in &ids {
        let end = "update topology_recovery set end_recovery = ? where recovery_id = ?";
        sql::execute(db, end, params![sql_time(at), id])?;
    }
    Ok(ids.len())
}

/// Lists recoveries, newest first.
pub(crate) fn list(db: &Db<'_>, query: &RecoveryQuery, now: Timestamp) -> sql::Result<Vec<Recovery>> {
    let select = |condition: &str| format!("{SELECT} where {condition} order by recovery_id desc");
    let of_successor = "successor_hostname = ? and successor_port = ?";
    let recently = sql_time(now - RECENTLY);
    let not_ended = db.is_unset("end_recovery");
    match query {
        RecoveryQuery::Page { cluster_name, cluster_alias, unacknowledged, page } => {
            let condition = "(?1 is null or cluster_name = ?1) and (?2 is null or cluster_alias = ?2)
                             and (?3 = 0 or acknowledged = 0)";
            let offset = u64::from(*page) * u64::from(PAGE);
            let statement = format!("{} limit {PAGE} offset {offset}", select(condition));
            sql::query(db, &statement, params![cluster_name, cluster_alias, unacknowledged], read)
        }
        RecoveryQuery::Id(id) => sql::query(db, &select("recovery_id = ?"), [id], read),
        RecoveryQuery::Uid(uid) => sql::query(db, &select("uid = ?"), [uid], read),
        RecoveryQuery::ActiveOfCluster(name) => {
            let condition = format!("in_active_period = 1 and {not_ended} and cluster_name = ?");
            sql::query(db, &select(&condition), [name], read)
        }
        RecoveryQuery::RecentOfCluster(name) => {
            sql::query(db, &select("end_recovery > ? and cluster_name = ?"), params![recently, name], read)
        }
        RecoveryQuery::RecentWithSuccessor(key) => {
            let condition = format!("end_recovery > ? and {of_successor}");
            sql::query(db, &select(&condition), params![recently, key.hostname(), key.port()], read)
        }
        RecoveryQuery::ActiveWithSuccessor(key) => {
            let condition = format!("in_active_period = 1 and {of_successor}");
            sql::query(db, &select(&condition), params![key.hostname(), key.port()], read)
        }
        RecoveryQuery::InActivePeriodOfCluster(name) => {
            sql::query(db, &select("in_active_period = 1 and cluster_name = ?"), [name], read)
        }
        RecoveryQuery::Unfinished => sql::query(db, &select(&not_ended), [], read),
    }
}

/// Deletes recoveries that began before. Those in their active period or not acknowledged stay, whatever their age:
/// somebody has still to look at them.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let statement = "delete from topology_recovery where start_active_period < ? and in_active_period = 0 and acknowledged = 1";
    let recoveries = sql::execute(db, statement, [sql_time(before)])?;
    Ok(recoveries + blocked::expire_orphans(db)?)
}

fn acknowledge_rows(db: &Db<'_>, ids: &[i64], owner: &str, comment: &str, at: Timestamp) -> sql::Result<()> {
    for id in ids {
        let open = "select recovery_id from topology_recovery where recovery_id = ?
                    and (in_active_period = 1 or coalesce(end_active_period_unixtime, 0) = 0)";
        if !sql::query(db, open, [id], |_| Ok(()))?.is_empty() {
            periods::close(db, Periods::Recoveries, *id, at)?;
        }
        sql::execute(
            db,
            "update topology_recovery set acknowledged = 1, acknowledged_at = ?, acknowledged_by = ?,
               acknowledge_comment = ? where recovery_id = ?",
            params![sql_time(at), owner, comment, id],
        )?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> sql::Result<Recovery> {
    let successor = key_of(row, "successor_hostname", "successor_port")?;
    let errors = Cell::of(row, "all_errors")?.string();
    Ok(Recovery {
        id: Cell::of(row, "recovery_id")?.int(),
        uid: Cell::of(row, "uid")?.string(),
        case: stored_case(row)?,
        in_active_period: Cell::of(row, "in_active_period")?.flag(),
        start: Cell::of(row, "start_active_period")?.time().unwrap_or_default(),
        end: Cell::of(row, "end_recovery")?.time(),
        node: stored_node(row)?,
        is_successful: Cell::of(row, "is_successful")?.flag(),
        successor: (!successor.hostname().is_empty()).then_some(successor),
        successor_alias: Cell::of(row, "successor_alias")?.string(),
        successor_coordinates: None,
        lost_replicas: Cell::of(row, "lost_slaves")?.keys(),
        participating: Cell::of(row, "participating_instances")?.keys(),
        errors: if errors.is_empty() { Vec::new() } else { errors.split('\n').map(str::to_owned).collect() },
        acknowledged: Cell::of(row, "acknowledged")?.flag(),
        acknowledged_at: Cell::of(row, "acknowledged_at")?.time(),
        acknowledged_by: Cell::of(row, "acknowledged_by")?.string(),
        acknowledge_comment: Cell::of(row, "acknowledge_comment")?.string(),
        last_detection_id: Cell::of(row, "last_detection_id")?.int(),
        kind: None,
        mode: RegroupMode::NotPrimary,
    })
}
