//! Texts of statements that both dialects need but spell differently.
//!
//! Statements are written as SQLite reads them, which is the stricter of the two, and rewritten for MySQL.

/// Insert, or update every column that is not a key. Columns not named keep their values in an existing row.
pub(crate) fn upsert(table: &str, keys: &[&str], columns: &[&str]) -> String {
    let assignments: Vec<_> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let all: Vec<_> = keys.iter().chain(columns).copied().collect();
    format!(
        "{} on conflict ({}) do update set {}",
        insert(table, &all),
        keys.join(", "),
        assignments.join(", ")
    )
}

/// Insert unless a row with an equal unique key exists.
pub(crate) fn insert_ignore(table: &str, columns: &[&str]) -> String {
    format!("{} on conflict do nothing", insert(table, columns))
}

/// Insert.
pub(crate) fn insert(table: &str, columns: &[&str]) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    format!("insert into {table} ({}) values ({marks})", columns.join(", "))
}

const CONFLICT: &str = " on conflict ";
const UPDATE: &str = " do update set ";
const NOTHING: &str = "do nothing";

/// The statement as MySQL and MariaDB read it, and which parameter stands at each mark (from 0), because they know no
/// numbered parameters. The rewriting is textual; no statement of this crate has such words or marks in a literal.
pub(crate) fn translate(sql: &str) -> (String, Vec<usize>) {
    let text = match sql.split_once(CONFLICT) {
        Some((insert, NOTHING)) => insert.replacen("insert into", "insert ignore into", 1),
        Some((insert, clause)) => {
            let assignments = clause.split_once(UPDATE).map_or("", |(_, assignments)| assignments);
            format!("{insert} on duplicate key update {}", excluded_to_values(assignments))
        }
        None => sql.to_owned(),
    };
    number_marks(&text)
}

/// `excluded.a` becomes `values(a)`, which every version of both families knows.
fn excluded_to_values(assignments: &str) -> String {
    let mut parts = assignments.split("excluded.");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(part.len());
        let (column, rest) = part.split_at(end);
        text.push_str("values(");
        text.push_str(column);
        text.push(')');
        text.push_str(rest);
    }
    text
}

fn number_marks(text: &str) -> (String, Vec<usize>) {
    let mut plain = String::with_capacity(text.len());
    let mut order = Vec::new();
    let mut parts = text.split('?');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        let next = order.len();
        order.push(number.parse::<usize>().map_or(next, |number| number.saturating_sub(1)));
        plain.push('?');
        plain.push_str(rest);
    }
    (plain, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upserts_are_spelled_for_mysql() {
        let (text, order) = translate(&upsert("t", &["k"], &["a", "b_c"]));
        assert_eq!(
            text,
            "insert into t (k, a, b_c) values (?, ?, ?) on duplicate key update a = values(a), b_c = values(b_c)"
        );
        assert_eq!(order, [0, 1, 2]);
        let special =
            "insert into t (k, a) values (?, ?) on conflict (k) do update set a = coalesce(excluded.a, a)";
        let expected =
            "insert into t (k, a) values (?, ?) on duplicate key update a = coalesce(values(a), a)";
        assert_eq!(translate(special).0, expected);
    }

    #[test]
    fn ignoring_inserts_are_spelled_for_mysql() {
        assert_eq!(translate(&insert_ignore("t", &["k"])).0, "insert ignore into t (k) values (?)");
    }

    #[test]
    fn numbered_parameters_are_repeated() {
        let (text, order) = translate("select 1 from t where (?1 is null or a = ?1) and b = ?2");
        assert_eq!(text, "select 1 from t where (? is null or a = ?) and b = ?");
        assert_eq!(order, [0, 0, 1]);
    }
}
