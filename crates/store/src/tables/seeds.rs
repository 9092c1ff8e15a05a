//! `agent_seed` and `agent_seed_state`: copies of data from host to host, and their steps.

use model::{Seed, SeedState, Timestamp};
use ports::SeedQuery;

use crate::cell::sql_time;
use crate::sql::{self, Db, Row, params};

/// Records a seed; nothing while another one onto the same host runs.
pub(crate) fn begin(db: &Db<'_>, target: &str, source: &str, at: Timestamp) -> sql::Result<Option<i64>> {
    let running = "select 1 as found from agent_seed where target_hostname = ? and is_complete = 0";
    if sql::query_one(db, running, [target], |_| Ok(()))?.is_some() {
        return Ok(None);
    }
    let statement = sql::insert("agent_seed", &["target_hostname", "source_hostname", "start_timestamp"]);
    sql::execute(db, &statement, params![target, source, sql_time(at)])?;
    Ok(Some(db.last_insert_id()))
}

/// Records a step of a seed; nothing when the seed has ended.
pub(crate) fn add_state(db: &Db<'_>, seed: i64, action: &str, at: Timestamp) -> sql::Result<Option<i64>> {
    let inserted = sql::execute(
        db,
        "insert into agent_seed_state (agent_seed_id, state_timestamp, state_action, error_message)
         select agent_seed_id, ?, ?, '' from agent_seed where agent_seed_id = ? and is_complete = 0",
        params![sql_time(at), action, seed],
    )?;
    Ok((inserted > 0).then(|| db.last_insert_id()))
}

/// Notes why a step failed.
pub(crate) fn fail_state(db: &Db<'_>, state: i64, error: &str) -> sql::Result<()> {
    let statement = "update agent_seed_state set error_message = ? where agent_seed_state_id = ?";
    sql::execute(db, statement, params![error, state]).map(drop)
}

/// Ends a seed that runs. Whether it did.
pub(crate) fn end(db: &Db<'_>, seed: i64, is_successful: bool, at: Timestamp) -> sql::Result<bool> {
    let changed = sql::execute(
        db,
        "update agent_seed set end_timestamp = ?, is_complete = 1, is_successful = ?
         where agent_seed_id = ? and is_complete = 0",
        params![sql_time(at), is_successful, seed],
    )?;
    Ok(changed > 0)
}

/// Ends seeds without a step since then as failed.
pub(crate) fn fail_stale(db: &Db<'_>, since: Timestamp, at: Timestamp) -> sql::Result<usize> {
    sql::execute(
        db,
        "update agent_seed set end_timestamp = ?1, is_complete = 1, is_successful = 0
         where is_complete = 0 and start_timestamp < ?2 and not exists (
           select 1 from agent_seed_state
           where agent_seed_state.agent_seed_id = agent_seed.agent_seed_id
             and agent_seed_state.state_timestamp >= ?2)",
        params![sql_time(at), sql_time(since)],
    )
}

/// Seeds, newest first.
pub(crate) fn list(db: &Db<'_>, query: &SeedQuery) -> sql::Result<Vec<Seed>> {
    let select = |rest: &str| {
        format!(
            "select agent_seed_id, target_hostname, source_hostname, start_timestamp, end_timestamp, is_complete,
               is_successful from agent_seed {rest}"
        )
    };
    let of_host = "(target_hostname = ?1 or source_hostname = ?1)";
    match query {
        SeedQuery::Recent => sql::query(db, &select("order by agent_seed_id desc limit 100"), [], read),
        SeedQuery::ActiveOf(host) => {
            let rest = format!("where is_complete = 0 and {of_host} order by agent_seed_id desc");
            sql::query(db, &select(&rest), params![host], read)
        }
        SeedQuery::EndedOf(host) => {
            let rest = format!("where is_complete = 1 and {of_host} order by agent_seed_id desc limit 10");
            sql::query(db, &select(&rest), params![host], read)
        }
        SeedQuery::Id(id) => sql::query(db, &select("where agent_seed_id = ?"), params![id], read),
    }
}

fn read(row: &Row<'_>) -> sql::Result<Seed> {
    Ok(Seed {
        id: row.cell("agent_seed_id")?.int(),
        target: row.cell("target_hostname")?.string(),
        source: row.cell("source_hostname")?.string(),
        start: row.cell("start_timestamp")?.time(),
        end: row.cell("end_timestamp")?.time(),
        is_complete: row.cell("is_complete")?.flag(),
        is_successful: row.cell("is_successful")?.flag(),
    })
}

/// Steps of a seed, newest first.
pub(crate) fn states(db: &Db<'_>, seed: i64) -> sql::Result<Vec<SeedState>> {
    let statement = "select agent_seed_state_id, agent_seed_id, state_timestamp, state_action, error_message
         from agent_seed_state where agent_seed_id = ? order by agent_seed_state_id desc";
    sql::query(db, statement, params![seed], |row| {
        Ok(SeedState {
            id: row.cell("agent_seed_state_id")?.int(),
            seed: row.cell("agent_seed_id")?.int(),
            at: row.cell("state_timestamp")?.time(),
            action: row.cell("state_action")?.string(),
            error: row.cell("error_message")?.string(),
        })
    })
}
