//! Who replicates from a server, by its own lists.

use model::InstanceKey;
use regex::Regex;

use super::asks::{Answers, Ask};
use crate::options::MySqlOptions;
use crate::tables::{Record, Table};

/// The list names at least one server that can be reached.
pub(crate) fn names_any(list: &Table) -> bool {
    list.records().any(|row| announced(row).is_some())
}

/// The replicas: those that announced themselves, else whoever reads the binary log. Sorted, each once.
pub(crate) fn read(answers: &Answers, key: &InstanceKey, options: &MySqlOptions) -> Vec<InstanceKey> {
    let listed = answers.get(Ask::Replicas).filter(|list| names_any(list));
    let mut found: Vec<InstanceKey> = match (listed, answers.get(Ask::BinlogReaders)) {
        (Some(list), _) => {
            let kept = list.records().filter(|row| !is_ignored(*row, &options.ignore_replication_users));
            kept.filter_map(announced).collect()
        }
        (None, Some(readers)) => {
            let kept = readers.records().filter(|row| !is_ignored(*row, &options.ignore_replication_users));
            // A server cannot replicate from itself: this is another server on the same host.
            kept.filter_map(|row| reader(row, key.port())).filter(|found| found != key).collect()
        }
        (None, None) => Vec::new(),
    };
    if let Some(nodes) = answers.get(Ask::NdbNodes) {
        found.extend(ndb_nodes(nodes, key.port()));
    }
    found.sort();
    found.dedup();
    found
}

/// The SQL nodes of an NDB cluster, on the server's own port.
pub(crate) fn ndb_nodes(nodes: &Table, port: u16) -> impl Iterator<Item = InstanceKey> {
    let hosts = nodes.records().filter_map(|row| row.text(&["mysql_host"]));
    hosts.map(move |host| InstanceKey::new(host.as_ref(), port)).filter(InstanceKey::is_valid)
}

/// A row of the announced replicas; rows of replicas that tell no host (or port) cannot be followed.
fn announced(row: Record<'_>) -> Option<InstanceKey> {
    let key = InstanceKey::new(row.text(&["Host"])?.as_ref(), row.number(&["Port"])?);
    key.is_valid().then_some(key)
}

/// A connection that reads the binary log: `host:port` of the client; the port is that of the connection.
fn reader(row: Record<'_>, port: u16) -> Option<InstanceKey> {
    let address = row.text(&["host"])?;
    let host = match address.rsplit_once(':') {
        Some((host, client_port)) if client_port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => address.as_ref(),
    };
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let key = InstanceKey::new(host, port);
    key.is_valid().then_some(key)
}

fn is_ignored(row: Record<'_>, filters: &[Regex]) -> bool {
    !filters.is_empty() && row.text(&["User"]).is_some_and(|user| filters.iter().any(|f| f.is_match(&user)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::table;

    fn found(answers: &Answers, options: &MySqlOptions) -> Vec<String> {
        let key = InstanceKey::new("db1", 3306);
        read(answers, &key, options).iter().map(ToString::to_string).collect()
    }

    fn listed(rows: &[&[Option<&str>]]) -> Table {
        table(&["Server_Id", "Host", "User", "Port", "Source_Id"], rows)
    }

    #[test]
    fn a_bad_row_does_not_end_the_list() {
        let mut answers = Answers::default();
        answers.add(
            &[Ask::Replicas],
            vec![listed(&[
                &[Some("3"), Some(""), Some(""), Some("3306"), Some("1")],
                &[Some("2"), Some("db3"), Some("repl"), Some("3307"), Some("1")],
                &[Some("4"), Some("db2"), Some("backup"), Some("3306"), Some("1")],
            ])],
        );
        assert_eq!(found(&answers, &MySqlOptions::default()), ["db2:3306", "db3:3307"]);
        let ignoring = MySqlOptions {
            ignore_replication_users: vec![Regex::new("^back").unwrap()],
            ..MySqlOptions::default()
        };
        assert_eq!(found(&answers, &ignoring), ["db3:3307"]);
    }

    #[test]
    fn readers_count_only_when_nobody_announced_itself() {
        let readers = table(
            &["user", "host"],
            &[
                &[Some("repl"), Some("2001:db8::7:41234")],
                &[Some("repl"), Some("db2:50000")],
                &[Some("repl"), Some("db2:50001")],
                &[Some("repl"), Some("db1:50002")],
            ],
        );
        let mut answers = Answers::default();
        answers.add(&[Ask::BinlogReaders], vec![readers]);
        assert_eq!(found(&answers, &MySqlOptions::default()), ["2001:db8::7:3306", "db2:3306"]);
        answers
            .add(&[Ask::Replicas], vec![listed(&[&[Some("2"), Some("db3"), None, Some("3307"), Some("1")]])]);
        assert_eq!(found(&answers, &MySqlOptions::default()), ["db3:3307"]);
    }
}
