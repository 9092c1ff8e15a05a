//! `topology_failure_detection`: what was found wrong, and whether that is still being announced.
//!
//! A server has at most one active row that can be acted upon and one that cannot. A row of another code takes the
//! place of the active one, so that a worse state is announced too, but a code that was already announced in the same
//! stretch of active rows is not announced again: a server that flaps between two codes is announced twice, not for
//! ever.

use model::{AnalysisCode, Case, Detection, InstanceKey, NodeIdentity, Timestamp};
use ports::DetectionQuery;

use super::PAGE;
use super::periods::{self, Periods};
use crate::cell::{Cell, key, key_list, sql_time};
use crate::sql::{self, Db, Row, params};

const SELECT: &str = "select detection_id, hostname, port, in_active_period, start_active_period,
    processing_node_hostname, processcing_node_token, analysis, cluster_name, cluster_alias, count_affected_slaves,
    slave_hosts, is_actionable,
    (select coalesce(max(recovery_id), 0) from topology_recovery where last_detection_id = detection_id)
      as related_recovery_id
  from topology_failure_detection";

/// Registers a detection and returns its id; nothing when the code is already announced.
pub(crate) fn register(
    db: &Db<'_>,
    case: &Case,
    is_actionable: bool,
    node: &NodeIdentity,
    at: Timestamp,
) -> sql::Result<Option<i64>> {
    if let Some(active) = active(db, &case.key, is_actionable)? {
        if is_announced(db, &active, case, is_actionable)? {
            return Ok(None);
        }
        periods::close(db, Periods::Detections, active.id, at)?;
    }
    let statement = sql::insert_ignore(
        "topology_failure_detection",
        &[
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
            "is_actionable",
        ],
    );
    let inserted = sql::execute(
        db,
        &statement,
        params![
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
            is_actionable,
        ],
    )?;
    Ok((inserted > 0).then(|| db.last_insert_id()))
}

/// Ends the active periods of a server.
pub(crate) fn clear(db: &Db<'_>, key: &InstanceKey, at: Timestamp) -> sql::Result<()> {
    let statement = "select detection_id as id from topology_failure_detection
                     where in_active_period = 1 and hostname = ? and port = ? order by detection_id";
    close_all(db, periods::ids(db, statement, params![key.hostname(), key.port()])?, at)
}

/// Ends the active periods of a cluster, by name and, when not empty, by alias.
pub(crate) fn clear_cluster(db: &Db<'_>, name: &str, alias: &str, at: Timestamp) -> sql::Result<()> {
    let statement = "select detection_id as id from topology_failure_detection
                     where in_active_period = 1 and (cluster_name = ? or (cluster_alias = ? and cluster_alias <> ''))
                     order by detection_id";
    close_all(db, periods::ids(db, statement, [name, alias])?, at)
}

/// Highest detection id of a server; 0 when it has none.
pub(crate) fn last_id(db: &Db<'_>, key: &InstanceKey) -> sql::Result<i64> {
    let statement = "select coalesce(max(detection_id), 0) as id from topology_failure_detection
                     where hostname = ? and port = ?";
    Ok(periods::ids(db, statement, params![key.hostname(), key.port()])?.first().copied().unwrap_or(0))
}

/// Lists detections, newest first.
pub(crate) fn list(db: &Db<'_>, query: &DetectionQuery) -> sql::Result<Vec<Detection>> {
    match query {
        DetectionQuery::Id(id) => sql::query(db, &format!("{SELECT} where detection_id = ?"), [id], read),
        DetectionQuery::Page { cluster_alias, page } => {
            let offset = u64::from(*page) * u64::from(PAGE);
            let order = format!("order by detection_id desc limit {PAGE} offset {offset}");
            match cluster_alias {
                Some(alias) => {
                    sql::query(db, &format!("{SELECT} where cluster_alias = ? {order}"), [alias], read)
                }
                None => sql::query(db, &format!("{SELECT} {order}"), [], read),
            }
        }
    }
}

/// Deletes rows that began before and are not active.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let statement =
        "delete from topology_failure_detection where start_active_period < ? and in_active_period = 0";
    sql::execute(db, statement, [sql_time(before)])
}

/// A stored code. Codes of old versions said "slaves"; what is not known at all reads as no problem.
pub(super) fn stored_code(text: &str) -> AnalysisCode {
    AnalysisCode::parse(text)
        .or_else(|| AnalysisCode::parse(&text.replace("Slave", "Replica")))
        .unwrap_or_else(|| {
            tracing::warn!(analysis = text, "a stored analysis code is not known");
            AnalysisCode::NoProblem
        })
}

/// The case in a row of this table or of `topology_recovery`, which share these columns.
pub(super) fn stored_case(row: &Row<'_>) -> sql::Result<Case> {
    Ok(Case {
        key: key(row)?,
        code: stored_code(&Cell::of(row, "analysis")?.text()),
        cluster_name: Cell::of(row, "cluster_name")?.string(),
        cluster_alias: Cell::of(row, "cluster_alias")?.string(),
        count_replicas: Cell::of(row, "count_affected_slaves")?.number(),
        replicas: Cell::of(row, "slave_hosts")?.keys(),
    })
}

/// The process in a row of this table or of `topology_recovery`. One column name is misspelled in both.
pub(super) fn stored_node(row: &Row<'_>) -> sql::Result<NodeIdentity> {
    Ok(NodeIdentity {
        hostname: Cell::of(row, "processing_node_hostname")?.string(),
        token: Cell::of(row, "processcing_node_token")?.string(),
    })
}

struct Link {
    id: i64,
    code: String,
    start: Option<Timestamp>,
}

fn read_link(row: &Row<'_>) -> sql::Result<Link> {
    Ok(Link {
        id: Cell::of(row, "detection_id")?.int(),
        code: Cell::of(row, "analysis")?.string(),
        start: Cell::of(row, "start_active_period")?.time(),
    })
}

fn active(db: &Db<'_>, key: &InstanceKey, is_actionable: bool) -> sql::Result<Option<Link>> {
    let statement = "select detection_id, analysis, start_active_period from topology_failure_detection
                     where hostname = ? and port = ? and in_active_period = 1 and is_actionable = ?
                     order by detection_id desc limit 1";
    sql::query_one(db, statement, params![key.hostname(), key.port(), is_actionable], read_link)
}

/// Walks back from the active row through the rows it replaced: each ended when, or after, its successor began.
fn is_announced(db: &Db<'_>, active: &Link, case: &Case, is_actionable: bool) -> sql::Result<bool> {
    let replaced = "select detection_id, analysis, start_active_period from topology_failure_detection
                    where hostname = ? and port = ? and is_actionable = ? and detection_id < ?
                      and in_active_period = 0 and end_active_period_unixtime >= ?
                    order by detection_id desc limit 1";
    let mut link = Link { id: active.id, code: active.code.clone(), start: active.start };
    loop {
        if link.code == case.code.as_str() {
            return Ok(true);
        }
        let start = link.start.unwrap_or_default().as_secs();
        let server = (case.key.hostname(), case.key.port());
        let row = params![server.0, server.1, is_actionable, link.id, start];
        match sql::query_one(db, replaced, row, read_link)? {
            Some(former) => link = former,
            None => return Ok(false),
        }
    }
}

fn close_all(db: &Db<'_>, ids: Vec<i64>, at: Timestamp) -> sql::Result<()> {
    ids.into_iter().try_for_each(|id| periods::close(db, Periods::Detections, id, at))
}

fn read(row: &Row<'_>) -> sql::Result<Detection> {
    Ok(Detection {
        id: Cell::of(row, "detection_id")?.int(),
        case: stored_case(row)?,
        in_active_period: Cell::of(row, "in_active_period")?.flag(),
        start_active_period: Cell::of(row, "start_active_period")?.time().unwrap_or_default(),
        node: stored_node(row)?,
        is_actionable: Cell::of(row, "is_actionable")?.flag(),
        related_recovery_id: Cell::of(row, "related_recovery_id")?.int(),
    })
}
