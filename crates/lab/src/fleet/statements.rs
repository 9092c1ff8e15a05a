//! What a request asks for: the statements of the probe and of the watch, and a few that clients send by themselves.

use std::time::Duration;

use super::tables::{Cell, Listing, Table, Templates};

/// `ER_UNKNOWN_SYSTEM_VARIABLE`.
const UNKNOWN_VARIABLE: u16 = 1193;
const DUMP_THREADS: &str = "select user, host from information_schema.processlist where command in ('binlog dump', 'binlog dump gtid')";

/// One statement, understood.
#[derive(Debug)]
pub(super) enum Statement {
    /// Answered with success and nothing else.
    Done,
    /// Answered with success after this time.
    Nap(Duration),
    /// A result set about the server.
    Rows(Table),
    /// A result set that is empty on a primary.
    OfReplica(Table),
    /// A result set with rows about each replica that is connected.
    OfEachReplica(Table),
    /// A number, a state and a text.
    Failure(u16, &'static str, String),
    /// The statement, for the one who counts it.
    Unknown(String),
}

/// The statements of a request.
#[derive(Debug)]
pub(super) struct Script(pub(super) Vec<Statement>);

impl Script {
    pub(super) fn read(text: &str, templates: &Templates) -> Self {
        Self(split(text).into_iter().map(|statement| Statement::read(statement, templates)).collect())
    }
}

impl Statement {
    fn read(text: &str, templates: &Templates) -> Self {
        let lower = text.to_ascii_lowercase();
        let known = match lower.as_str() {
            "show all slaves status" => Some(Self::OfReplica(templates.replication())),
            "show slave hosts" => Some(Self::OfEachReplica(table(&[
                ("Server_id", "{id}"),
                ("Host", "{host}"),
                ("Port", "{port}"),
                ("Master_id", "{source id}"),
            ]))),
            "show master status" => Some(Self::Rows(table(&[
                ("File", "{file}"),
                ("Position", "{position}"),
                ("Binlog_Do_DB", ""),
                ("Binlog_Ignore_DB", ""),
            ]))),
            DUMP_THREADS => {
                Some(Self::OfEachReplica(table(&[("user", "repl"), ("host", "{host}:{client port}")])))
            }
            _ => None,
        };
        known
            .or_else(|| setting(&lower))
            .or_else(|| nap(&lower))
            .or_else(|| listing(&lower, templates))
            .or_else(|| selection(text, &templates.variables))
            .unwrap_or_else(|| Self::Unknown(text.to_owned()))
    }
}

/// A table of one row.
fn table(cells: &[(&str, &str)]) -> Table {
    let row = cells.iter().map(|(_, value)| Cell::parse(value)).collect();
    Table::new(cells.iter().map(|(name, _)| *name), vec![row])
}

/// Statements of a request, without what surrounds them. A semicolon in quotes ends nothing.
fn split(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(|character| {
        is_quoted ^= character == '\'';
        character == ';' && !is_quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// What concerns only the session changes nothing that could be asked for.
fn setting(lower: &str) -> Option<Statement> {
    let rest = lower.strip_prefix("set ")?;
    ["session ", "names ", "autocommit"].iter().any(|word| rest.starts_with(word)).then_some(Statement::Done)
}

fn nap(lower: &str) -> Option<Statement> {
    let seconds: f64 = lower.strip_prefix("do sleep(")?.strip_suffix(')')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(Statement::Nap)
}

/// `SHOW GLOBAL VARIABLES` and `STATUS` with `LIKE` or with conditions on the name.
fn listing(lower: &str, templates: &Templates) -> Option<Statement> {
    let rest = lower.strip_prefix("show ")?;
    let rest = rest.strip_prefix("global ").unwrap_or(rest);
    let (of, filter) = match rest.strip_prefix("variables ") {
        Some(filter) => (&templates.variables, filter),
        None => (&templates.status, rest.strip_prefix("status ")?),
    };
    let wanted: Vec<String> = match filter.strip_prefix("where ") {
        Some(conditions) => {
            let found: Option<Vec<Vec<String>>> = conditions.split(" or ").map(names).collect();
            found?.concat()
        }
        None => vec![quoted(filter.strip_prefix("like ")?)?.to_owned()],
    };
    Some(Statement::Rows(show(of, &wanted)))
}

fn show(of: &Listing, patterns: &[String]) -> Table {
    of.show(|name| patterns.iter().any(|pattern| is_like(&name.to_ascii_lowercase(), pattern)))
}

/// The patterns of one condition on the name.
fn names(condition: &str) -> Option<Vec<String>> {
    let rest = condition.trim().strip_prefix("variable_name ")?;
    if let Some(list) = rest.strip_prefix("in (") {
        let list = list.strip_suffix(')')?;
        return list.split(',').map(|name| quoted(name).map(str::to_owned)).collect();
    }
    let pattern = rest.strip_prefix("like ").or_else(|| rest.strip_prefix("= "))?;
    Some(vec![quoted(pattern)?.to_owned()])
}

fn quoted(text: &str) -> Option<&str> {
    text.trim().strip_prefix('\'')?.strip_suffix('\'')
}

/// `LIKE` of SQL: `%` stands for anything, `_` for one character.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    if first == '%' {
        return (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| is_like(tail, rest)));
    }
    let Some(next) = text.chars().next() else { return false };
    (first == '_' || first == next) && is_like(&text[next.len_utf8()..], rest)
}

/// `SELECT @@NAME [AS COLUMN], …`, also with a limit as command line clients send it.
fn selection(text: &str, variables: &Listing) -> Option<Statement> {
    let (verb, list) = text.split_once(char::is_whitespace)?;
    if !verb.eq_ignore_ascii_case("select") {
        return None;
    }
    let list = list.strip_suffix("limit 1").unwrap_or(list);
    let (mut columns, mut row) = (Vec::new(), Vec::new());
    for item in list.split(',').map(str::trim) {
        let (expression, column) = item.split_once(" as ").unwrap_or((item, item));
        let name = expression.trim().strip_prefix("@@")?;
        let name = name.strip_prefix("global.").or_else(|| name.strip_prefix("session.")).unwrap_or(name);
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let Some(cell) = variables.select(name) else {
            let message = format!("Unknown system variable '{name}'");
            return Some(Statement::Failure(UNKNOWN_VARIABLE, "HY000", message));
        };
        columns.push(column.trim());
        row.push(cell);
    }
    Some(Statement::Rows(Table::new(columns, vec![row])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> String {
        let script = Script::read(text, &Templates::load());
        let kind = |statement: &Statement| match statement {
            Statement::Done => "done".to_owned(),
            Statement::Nap(time) => format!("nap {time:?}"),
            Statement::Rows(_) => "rows".to_owned(),
            Statement::OfReplica(_) => "of replica".to_owned(),
            Statement::OfEachReplica(_) => "of each replica".to_owned(),
            Statement::Failure(number, _, message) => format!("{number} {message}"),
            Statement::Unknown(statement) => format!("unknown: {statement}"),
        };
        script.0.iter().map(kind).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_request_is_taken_apart() {
        let text =
            "set session autocommit=1;\nselect @@global.version as v, @@hostname\n;\nshow master status;";
        assert_eq!(kinds(text), "done; rows; rows");
        assert_eq!(kinds("do sleep(0.25);do sleep(1)"), "nap 250ms; nap 1s");
        assert_eq!(kinds("SHOW GLOBAL STATUS LIKE 'Uptime'"), "rows");
        assert_eq!(
            kinds("show global variables where variable_name like 'a;%' or variable_name = 'b'"),
            "rows"
        );
        assert_eq!(kinds("show slave hosts; show all slaves status"), "of each replica; of replica");
    }

    #[test]
    fn what_is_not_known_is_told() {
        assert_eq!(kinds("select @@super_read_only"), "1193 Unknown system variable 'super_read_only'");
        for unknown in ["set global read_only=1", "stop slave", "select 1", "show variables", "do sleep(x)"] {
            assert_eq!(kinds(unknown), format!("unknown: {unknown}"));
        }
    }

    #[test]
    fn patterns_are_those_of_sql() {
        for (text, pattern) in
            [("rpl_semi_sync_master_enabled", "rpl_semi_sync_%_enabled"), ("a", "_"), ("", "%")]
        {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in
            [("rpl_semi_sync_slave_delay", "rpl_semi_sync_%_enabled"), ("ab", "a"), ("", "_")]
        {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
