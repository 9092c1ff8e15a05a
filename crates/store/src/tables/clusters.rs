//! Names of clusters: `cluster_alias`, `cluster_alias_override` and `cluster_domain_name`.

use std::collections::BTreeMap;

use model::Timestamp;

use crate::cell::{Cell, sql_time};
use crate::sql::{self, Db, params};

/// Cluster name to alias.
pub(crate) fn load_aliases(db: &Db<'_>) -> sql::Result<BTreeMap<String, String>> {
    load(db, "select cluster_name, alias as value from cluster_alias")
}

/// Cluster name to the operator's alias.
pub(crate) fn load_overrides(db: &Db<'_>) -> sql::Result<BTreeMap<String, String>> {
    load(db, "select cluster_name, alias as value from cluster_alias_override")
}

/// Cluster name to domain.
pub(crate) fn load_domains(db: &Db<'_>) -> sql::Result<BTreeMap<String, String>> {
    load(db, "select cluster_name, domain_name as value from cluster_domain_name")
}

/// Gives a cluster an alias. Another cluster that has the same alias loses it, because an alias names one cluster.
pub(crate) fn set_alias(db: &Db<'_>, cluster_name: &str, alias: &str, at: Timestamp) -> sql::Result<()> {
    let others = "delete from cluster_alias where alias = ? and cluster_name <> ?";
    sql::execute(db, others, [alias, cluster_name])?;
    let statement = sql::upsert("cluster_alias", &["cluster_name"], &["alias", "last_registered"]);
    sql::execute(db, &statement, params![cluster_name, alias, sql_time(at)]).map(drop)
}

/// Gives a cluster the alias an operator chose.
pub(crate) fn set_override(db: &Db<'_>, cluster_name: &str, alias: &str) -> sql::Result<()> {
    let statement = sql::upsert("cluster_alias_override", &["cluster_name"], &["alias"]);
    sql::execute(db, &statement, [cluster_name, alias]).map(drop)
}

/// Gives a cluster a domain.
pub(crate) fn set_domain(db: &Db<'_>, cluster_name: &str, domain: &str, at: Timestamp) -> sql::Result<()> {
    let statement =
        sql::upsert("cluster_domain_name", &["cluster_name"], &["domain_name", "last_registered"]);
    sql::execute(db, &statement, params![cluster_name, domain, sql_time(at)]).map(drop)
}

/// Moves alias and override to the new name of a cluster, and copies the domain, which the old primary may be asked for
/// again. `alias` wins over the stored one when it is not empty.
///
/// An alias that only repeats the old name is no alias; it is dropped instead of misnaming the cluster from now on.
pub(crate) fn rename(db: &Db<'_>, from: &str, to: &str, alias: &str, at: Timestamp) -> sql::Result<()> {
    if from == to {
        return Ok(());
    }
    let of_old = |statement| sql::query_one(db, statement, [from], |row| Ok(row.cell("value")?.string()));
    let stored = of_old("select alias as value from cluster_alias where cluster_name = ?")?;
    sql::execute(db, "delete from cluster_alias where cluster_name = ?", [from])?;
    let carried = if alias.is_empty() { stored.unwrap_or_default() } else { alias.to_owned() };
    if !carried.is_empty() && carried != from {
        set_alias(db, to, &carried, at)?;
    }
    if let Some(chosen) = of_old("select alias as value from cluster_alias_override where cluster_name = ?")?
    {
        sql::execute(db, "delete from cluster_alias_override where cluster_name = ?", [from])?;
        set_override(db, to, &chosen)?;
    }
    if let Some(domain) =
        of_old("select domain_name as value from cluster_domain_name where cluster_name = ?")?
    {
        set_domain(db, to, &domain, at)?;
    }
    Ok(())
}

/// Deletes aliases not registered since of clusters that have no server any more. The alias of a living cluster stays,
/// whether or not somebody registers it again while it does not change.
pub(crate) fn expire_aliases(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(
        db,
        "delete from cluster_alias where last_registered < ? and not exists (
           select 1 from database_instance where database_instance.cluster_name = cluster_alias.cluster_name)",
        [sql_time(before)],
    )
}

/// Deletes domains not registered since.
pub(crate) fn expire_domains(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from cluster_domain_name where last_registered < ?", [sql_time(before)])
}

fn load(db: &Db<'_>, statement: &str) -> sql::Result<BTreeMap<String, String>> {
    let rows = sql::query(db, statement, [], |row| {
        Ok((Cell::of(row, "cluster_name")?.string(), Cell::of(row, "value")?.string()))
    })?;
    Ok(rows.into_iter().collect())
}
