//! `access_token`: what may be redeemed for the right to change things.

use model::Timestamp;

use crate::cell::sql_time;
use crate::sql::{self, Db, params};

/// Stores a token.
pub(crate) fn issue(db: &Db<'_>, public: &str, secret: &str, owner: &str, at: Timestamp) -> sql::Result<()> {
    let statement =
        sql::insert("access_token", &["public_token", "secret_token", "generated_at", "generated_by"]);
    sql::execute(db, &statement, params![public, secret, sql_time(at), owner]).map(drop)
}

/// Marks a token as redeemed, once; a re-entrant one may be redeemed again and again. Whether it was to be had.
pub(crate) fn redeem(db: &Db<'_>, public: &str, issued_since: Timestamp, at: Timestamp) -> sql::Result<bool> {
    let changed = sql::execute(
        db,
        "update access_token set is_acquired = 1, acquired_at = ?
         where public_token = ? and ((is_acquired = 0 and generated_at >= ?) or is_reentrant = 1)",
        params![sql_time(at), public, sql_time(issued_since)],
    )?;
    Ok(changed > 0)
}

/// The secret of a redeemed token that has not lapsed.
pub(crate) fn secret(db: &Db<'_>, public: &str, issued_since: Timestamp) -> sql::Result<Option<String>> {
    sql::query_one(
        db,
        "select secret_token from access_token
         where public_token = ? and is_acquired = 1 and (generated_at >= ? or is_reentrant = 1)",
        params![public, sql_time(issued_since)],
        |row| Ok(row.cell("secret_token")?.string()),
    )
}

/// Deletes tokens issued before that are not re-entrant.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let statement = "delete from access_token where generated_at < ? and is_reentrant = 0";
    sql::execute(db, statement, [sql_time(before)])
}
