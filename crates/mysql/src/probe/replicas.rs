//! Direct replicas as the server shows them: those that announced themselves, else those that read its binary log.

use std::collections::BTreeSet;

use model::InstanceKey;

use super::Subject;
use crate::tables::Table;

/// The list names at least one replica that can be connected to.
pub(super) fn names_any(list: &Table) -> bool {
    list.records().any(|row| announced(&row).is_some())
}

/// Replicas by list, else by process list. Bad rows are skipped. Sorted, each once.
pub(super) fn read(
    subject: &Subject<'_>,
    own: &InstanceKey,
    list: Option<&Table>,
    readers: Option<&Table>,
) -> Vec<InstanceKey> {
    let mut found = BTreeSet::new();
    let is_ignored =
        |user: &str| subject.options.ignore_replication_users.iter().any(|filter| filter.is_match(user));
    for row in list.into_iter().flat_map(Table::records) {
        if let Some(key) = announced(&row)
            && !is_ignored(&row.owned(&["User"]))
        {
            found.insert(key);
        }
    }
    if found.is_empty() {
        for row in readers.into_iter().flat_map(Table::records) {
            if is_ignored(&row.owned(&["user"])) {
                continue;
            }
            let host = row.owned(&["host"]);
            let host = without_port(&host);
            let known = subject.memory.replicas_on(host, own);
            if known.is_empty() && !host.is_empty() {
                found.insert(InstanceKey::new(host, own.port()));
            }
            found.extend(known);
        }
    }
    found.remove(own);
    found.into_iter().collect()
}

fn announced(row: &crate::tables::Record<'_>) -> Option<InstanceKey> {
    let key = InstanceKey::new(row.owned(&["Host"]), row.number(&["Port"]).unwrap_or(0));
    key.is_valid().then_some(key)
}

/// Cuts the client's port from a process list's host; IPv6 addresses keep their colons.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_is_cut() {
        assert_eq!(without_port("db1:51234"), "db1");
        assert_eq!(without_port("db1"), "db1");
        assert_eq!(without_port("fe80::1:51234"), "fe80::1");
    }
}
