//! What operators say about servers: `database_instance_downtime`, `candidate_database_instance` and
//! `database_instance_tags`.

use std::collections::{BTreeMap, BTreeSet};

use model::{Candidate, Downtime, InstanceKey, PromotionRule, Tag, Timestamp};

use crate::cell::{Cell, key, sql_time};
use crate::sql::{self, Db, params};

/// Downtime rows, ended ones included. A row that is not marked active is none (nobody but manual SQL makes one).
pub(crate) fn load_downtimes(db: &Db<'_>) -> sql::Result<BTreeMap<InstanceKey, Downtime>> {
    let rows = sql::query(
        db,
        "select hostname, port, begin_timestamp, end_timestamp, owner, reason from database_instance_downtime
         where downtime_active = 1",
        [],
        |row| {
            Ok(Downtime {
                key: key(row)?,
                owner: Cell::of(row, "owner")?.string(),
                reason: Cell::of(row, "reason")?.string(),
                begin: Cell::of(row, "begin_timestamp")?.time().unwrap_or_default(),
                end: Cell::of(row, "end_timestamp")?.time(),
            })
        },
    )?;
    Ok(rows.into_iter().map(|downtime| (downtime.key.clone(), downtime)).collect())
}

/// Inserts the downtime of a server, or replaces the one it has.
pub(crate) fn begin_downtime(db: &Db<'_>, downtime: &Downtime) -> sql::Result<()> {
    let statement = sql::upsert(
        "database_instance_downtime",
        &["hostname", "port"],
        &["downtime_active", "begin_timestamp", "end_timestamp", "owner", "reason"],
    );
    let key = &downtime.key;
    let (begin, end) = (sql_time(downtime.begin), downtime.end.map(sql_time));
    let row = params![key.hostname(), key.port(), 1, begin, end, downtime.owner, downtime.reason];
    sql::execute(db, &statement, row).map(drop)
}

/// Removes the downtime of a server. Whether there was one.
pub(crate) fn end_downtime(db: &Db<'_>, key: &InstanceKey) -> sql::Result<bool> {
    let statement = "delete from database_instance_downtime where hostname = ? and port = ?";
    Ok(sql::execute(db, statement, params![key.hostname(), key.port()])? > 0)
}

/// Deletes downtimes that have ended.
pub(crate) fn expire_downtimes(db: &Db<'_>, now: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from database_instance_downtime where end_timestamp < ?", [sql_time(now)])
}

/// Registered promotion rules.
pub(crate) fn load_candidates(db: &Db<'_>) -> sql::Result<BTreeMap<InstanceKey, Candidate>> {
    let statement = "select hostname, port, promotion_rule, last_suggested from candidate_database_instance";
    let rows = sql::query(db, statement, [], |row| {
        let key = key(row)?;
        let rule = Cell::of(row, "promotion_rule")?.text();
        let rule = PromotionRule::from_stored(&rule).unwrap_or_else(|| {
            tracing::warn!(instance = %key, %rule, "a stored promotion rule is not known and counts as neutral");
            PromotionRule::Neutral
        });
        Ok(Candidate {
            key,
            rule,
            last_suggested: Cell::of(row, "last_suggested")?.time().unwrap_or_default(),
        })
    })?;
    Ok(rows.into_iter().map(|candidate| (candidate.key.clone(), candidate)).collect())
}

/// Inserts or updates a promotion rule.
pub(crate) fn register_candidate(db: &Db<'_>, candidate: &Candidate) -> sql::Result<()> {
    let statement = sql::upsert(
        "candidate_database_instance",
        &["hostname", "port"],
        &["promotion_rule", "last_suggested"],
    );
    let key = &candidate.key;
    let suggested = sql_time(candidate.last_suggested);
    sql::execute(db, &statement, params![key.hostname(), key.port(), candidate.rule.as_str(), suggested])
        .map(drop)
}

/// Deletes promotion rules not suggested since.
pub(crate) fn expire_candidates(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from candidate_database_instance where last_suggested < ?", [sql_time(before)])
}

/// Tags of every server.
pub(crate) fn load_tags(db: &Db<'_>) -> sql::Result<BTreeMap<InstanceKey, BTreeSet<Tag>>> {
    let statement = "select hostname, port, tag_name, tag_value from database_instance_tags";
    let rows = sql::query(db, statement, [], |row| {
        let tag =
            Tag { name: Cell::of(row, "tag_name")?.string(), value: Cell::of(row, "tag_value")?.string() };
        Ok((key(row)?, tag))
    })?;
    let mut tags: BTreeMap<InstanceKey, BTreeSet<Tag>> = BTreeMap::new();
    for (key, tag) in rows {
        tags.entry(key).or_default().insert(tag);
    }
    Ok(tags)
}

/// Inserts a tag, or gives the tag of that name another value.
pub(crate) fn put_tag(db: &Db<'_>, key: &InstanceKey, tag: &Tag, at: Timestamp) -> sql::Result<()> {
    let statement = sql::upsert(
        "database_instance_tags",
        &["hostname", "port", "tag_name"],
        &["tag_value", "last_updated"],
    );
    let row = params![key.hostname(), key.port(), tag.name, tag.value, sql_time(at)];
    sql::execute(db, &statement, row).map(drop)
}

/// Removes the tag of that name. Whether there was one.
pub(crate) fn delete_tag(db: &Db<'_>, key: &InstanceKey, name: &str) -> sql::Result<bool> {
    let statement = "delete from database_instance_tags where hostname = ? and port = ? and tag_name = ?";
    Ok(sql::execute(db, statement, params![key.hostname(), key.port(), name])? > 0)
}
