//! Events of logs: which transaction they begin, and whether two servers show the same one.

/// What an event is to somebody who walks through a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventMeaning {
    /// It begins the transaction of this name, which is the same on all servers.
    Begins(String),
    /// It begins a transaction without a name.
    BeginsUnnamed,
    /// It stands between transactions and belongs to one server's log only.
    Between,
    /// It is part of a transaction.
    Inside,
}

/// What an event of this type, with this content, is.
pub fn event_meaning(kind: &str, info: &str) -> EventMeaning {
    const BETWEEN: [&str; 9] = [
        "Format_desc",
        "Stop",
        "Rotate",
        "Previous_gtids",
        "Gtid_list",
        "Binlog_checkpoint",
        "Start_encryption",
        "Heartbeat",
        "Heartbeat_log",
    ];
    if BETWEEN.contains(&kind) {
        return EventMeaning::Between;
    }
    if kind.starts_with("Anonymous_G") || info.contains("'ANONYMOUS'") {
        return EventMeaning::BeginsUnnamed;
    }
    // The names vary: `Gtid`, `Gtid_tagged`, `Gtid_tagged_log_event`.
    if !kind.starts_with("Gtid") {
        return EventMeaning::Inside;
    }
    let quoted = info.split('\'').nth(1).map(str::to_owned);
    let mariadb = || info.split_once("GTID ")?.1.split_whitespace().next().map(str::to_owned);
    quoted.or_else(mariadb).map_or(EventMeaning::BeginsUnnamed, EventMeaning::Begins)
}

/// Whether two servers show the same event: numbers that each server gives its own tables and transactions are left out.
pub fn is_same_event(one: (&str, &str), other: (&str, &str)) -> bool {
    one.0 == other.0 && comparable(one.1) == comparable(other.1)
}

fn comparable(info: &str) -> String {
    let without_comments = strip_comment(info);
    let mut words: Vec<&str> = Vec::new();
    let mut rest = without_comments.split_whitespace();
    while let Some(word) = rest.next() {
        words.push(word);
        match word {
            // `COMMIT /* xid=17 */`, `table_id: 93 (shop.t)`
            "COMMIT" => break,
            "table_id:" => {
                rest.next();
            }
            _ => {}
        }
    }
    words.join(" ")
}

/// Without a remark at the end, such as the server's number of the transaction.
fn strip_comment(info: &str) -> &str {
    match info.rfind("/*") {
        Some(at) if info.trim_end().ends_with("*/") => info[..at].trim_end(),
        Some(_) | None => info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_have_the_name_both_servers_show() {
        let uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
        for (kind, info, name) in [
            ("Gtid", format!("SET @@SESSION.GTID_NEXT= '{uuid}:23'"), format!("{uuid}:23")),
            ("Gtid_tagged", format!("SET @@SESSION.GTID_NEXT= '{uuid}:tag:1'"), format!("{uuid}:tag:1")),
            ("Gtid", "BEGIN GTID 0-1-5".to_owned(), "0-1-5".to_owned()),
            ("Gtid", "BEGIN GTID 0-1-5 cid=33".to_owned(), "0-1-5".to_owned()),
            ("Gtid", "GTID 0-1-6".to_owned(), "0-1-6".to_owned()),
        ] {
            assert_eq!(event_meaning(kind, &info), EventMeaning::Begins(name), "{info}");
        }
        let anonymous = "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'";
        assert_eq!(event_meaning("Anonymous_Gtid", anonymous), EventMeaning::BeginsUnnamed);
        assert_eq!(event_meaning("Rotate", "bin.000002;pos=4"), EventMeaning::Between);
        assert_eq!(event_meaning("Gtid_list", "[0-1-5]"), EventMeaning::Between);
        assert_eq!(event_meaning("Query", "use `shop`; create table t (a int)"), EventMeaning::Inside);
    }

    #[test]
    fn numbers_of_a_server_make_no_difference() {
        for (kind, one, other) in [
            ("Xid", "COMMIT /* xid=17 */", "COMMIT /* xid=99 */"),
            ("Table_map", "table_id: 93 (shop.t)", "table_id: 7 (shop.t)"),
            ("Write_rows", "table_id: 93 flags: STMT_END_F", "table_id: 7 flags: STMT_END_F"),
            ("Query", "BEGIN", "BEGIN"),
        ] {
            assert!(is_same_event((kind, one), (kind, other)), "{one} {other}");
        }
        for (one, other) in [
            (("Table_map", "table_id: 93 (shop.t)"), ("Table_map", "table_id: 93 (shop.u)")),
            (("Query", "BEGIN"), ("Xid", "BEGIN")),
            (("Query", "insert into t values (1)"), ("Query", "insert into t values (2)")),
        ] {
            assert!(!is_same_event(one, other), "{one:?} {other:?}");
        }
    }
}
