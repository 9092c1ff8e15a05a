//! Adding columns to tables that exist: those an older original did not have yet.

use rusqlite::{Connection, params};

/// Adds columns that the table lacks. Names and definitions are constants of this crate, never input.
fn add(db: &Connection, table: &str, wanted: &[(&str, &str)]) -> rusqlite::Result<()> {
    let existing = names(db, table)?;
    for (name, definition) in wanted.iter().filter(|(name, _)| !existing.iter().any(|known| known == name)) {
        db.execute_batch(&format!("alter table {table} add column {name} {definition}"))?;
    }
    Ok(())
}

/// Adds every column that a table of `target` (statements that create tables) has and the database lacks.
///
/// A column that must not be NULL and has no default gets the one the original uses for later additions: `''` for
/// texts and times, 0 for numbers.
pub(super) fn add_missing(db: &Connection, target: &str) -> rusqlite::Result<()> {
    let wanted = Connection::open_in_memory()?;
    wanted.execute_batch(target)?;
    let mut tables = wanted.prepare("select name from sqlite_master where type = 'table' order by name")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get("name"))?.collect::<Result<_, _>>()?;
    for table in tables {
        let definitions = definitions(&wanted, &table)?;
        let columns: Vec<_> = definitions.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        add(db, &table, &columns)?;
    }
    Ok(())
}

fn names(db: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    db.prepare("select name from pragma_table_info(?)")?.query_map([table], |row| row.get("name"))?.collect()
}

fn definitions(db: &Connection, table: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = db.prepare("select name, type, \"notnull\", dflt_value from pragma_table_info(?)")?;
    let rows = statement.query_map(params![table], |row| {
        let kind: String = row.get("type")?;
        let is_required: bool = row.get("notnull")?;
        let default: Option<String> = row.get("dflt_value")?;
        let fallback = if kind.to_ascii_lowercase().contains("int") { "0" } else { "''" };
        let definition = match (is_required, default) {
            (true, default) => format!("{kind} not null default {}", default.as_deref().unwrap_or(fallback)),
            (false, Some(default)) => format!("{kind} default {default}"),
            (false, None) => kind,
        };
        Ok((row.get("name")?, definition))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_an_older_original_gets_its_later_columns() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("create table t (a int not null); insert into t values (1)").unwrap();
        let target = "create table t (a int not null, b varchar(9) not null, c smallint not null, d timestamp default '')";
        add_missing(&db, target).unwrap();
        add_missing(&db, target).unwrap();
        let row: (i64, String, i64, String) = db
            .query_row("select * from t", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap();
        assert_eq!(row, (1, String::new(), 0, String::new()));
    }
}
