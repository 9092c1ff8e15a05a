//! Every statement sent to observed servers that does not depend on configuration, chosen by capability.
//!
//! Texts that carry values are built with [`quoted`], the only place that writes string literals: parameters cannot
//! be bound, because servers do not prepare replication statements.

use model::Threads;

use crate::capabilities::{Capabilities, Family};

/// A string literal. Control bytes cannot occur in the values we send and are dropped.
pub(crate) fn quoted(text: &str, no_backslash_escapes: bool) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars().filter(|c| !c.is_control() || *c == '\n') {
        match c {
            '\'' => literal.push_str("''"),
            '\\' if !no_backslash_escapes => literal.push_str("\\\\"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// Lock waits of a trial write end soon, so that none is left behind on a server where something holds locks.
pub(crate) const SHORT_LOCK_WAITS: &str =
    "set session lock_wait_timeout=1, session innodb_lock_wait_timeout=1";

/// A row of our own, written anew.
pub(crate) fn write_canary(schema: &str) -> String {
    format!("replace into {}.write_canary (id, written_at) values (1, now(6))", identifier(schema))
}

/// What [`write_canary`] needs.
pub(crate) fn make_canary(schema: &str) -> [String; 2] {
    let schema = identifier(schema);
    [
        format!("create schema if not exists {schema}"),
        format!(
            "create table if not exists {schema}.write_canary \
             (id int not null primary key, written_at datetime(6) not null) engine=InnoDB"
        ),
    ]
}

/// A quoted name of a schema.
fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// All replication channels of the server, one row each.
pub(crate) fn replication_status(caps: &Capabilities) -> &'static str {
    match caps.family {
        Family::MariaDb => "show all slaves status",
        Family::MySql if caps.replica_words => "show replica status",
        Family::MySql | Family::MaxScale => "show slave status",
    }
}

/// Own binary log position.
pub(crate) fn binary_log_status(caps: &Capabilities) -> &'static str {
    if caps.binary_log_status { "show binary log status" } else { "show master status" }
}

/// Replicas that announced themselves.
pub(crate) fn list_replicas(caps: &Capabilities) -> &'static str {
    if caps.replica_words { "show replicas" } else { "show slave hosts" }
}

/// Connections that read the binary log.
pub(crate) fn binlog_readers(caps: &Capabilities, performance_schema: bool) -> &'static str {
    if caps.process_list_table && performance_schema {
        "select user, host from performance_schema.processlist where command in ('Binlog Dump', 'Binlog Dump GTID')"
    } else {
        "select user, host from information_schema.processlist where command in ('Binlog Dump', 'Binlog Dump GTID')"
    }
}

/// Names of the variables every read needs. The same names are the columns of [`basics`].
pub(crate) fn basic_variables(caps: &Capabilities) -> Vec<&'static str> {
    let mut names = vec!["hostname", "report_host", "server_id", "read_only", "binlog_format", "log_bin"];
    names.push(if caps.log_replica_updates { "log_replica_updates" } else { "log_slave_updates" });
    if caps.super_read_only {
        names.push("super_read_only");
    }
    if caps.oracle_gtid {
        names.extend(["gtid_mode", "server_uuid", "gtid_executed", "gtid_purged", "binlog_row_image"]);
    }
    if caps.family == Family::MariaDb {
        names.extend(["gtid_current_pos", "gtid_binlog_pos"]);
    }
    names
}

/// The variables in one row, or, for a server that lacks one of them, as a listing of those it has.
pub(crate) fn basics(caps: &Capabilities, as_listing: bool) -> String {
    let names = basic_variables(caps);
    if as_listing {
        format!("show global variables where variable_name in ('{}')", names.join("', '"))
    } else {
        let columns: Vec<String> = names.iter().map(|name| format!("@@global.{name} as {name}")).collect();
        format!("select {}", columns.join(", "))
    }
}

/// Facts about receivers that replication status lacks. Ages by the server's own clock, in microseconds. Timestamps of
/// what never happened are zero dates, whose age is null.
pub(crate) fn receivers(caps: &Capabilities) -> String {
    if caps.heartbeat_status {
        return heartbeat_status();
    }
    let suites = if caps.receiver_cipher_suites { "c.tls_ciphersuites" } else { "null" };
    let silence = if caps.receiver_timestamps {
        "if(s.queueing_transaction <> '', null, timestampdiff(microsecond, greatest(s.last_heartbeat_timestamp, \
         s.last_queued_transaction_end_queue_timestamp), now(6)))"
    } else {
        "null"
    };
    format!(
        "select c.channel_name as channel_name, c.heartbeat_interval as heartbeat_interval, \
         s.count_received_heartbeats as received_heartbeats, if(s.count_received_heartbeats = 0, null, \
         timestampdiff(microsecond, s.last_heartbeat_timestamp, now(6))) as heartbeat_age_us, \
         {silence} as silence_us, {suites} as tls_ciphersuites \
         from performance_schema.replication_connection_configuration c \
         join performance_schema.replication_connection_status s on s.channel_name = c.channel_name"
    )
}

/// The same columns from status variables. A heartbeat that never came has an empty or zero time.
fn heartbeat_status() -> String {
    let value = |name: &str| format!("max(if(variable_name = 'slave_{name}', variable_value, null))");
    format!(
        "select '' as channel_name, {} as heartbeat_interval, {count} as received_heartbeats, \
         if({count} = 0, null, timestampdiff(microsecond, {}, now(6))) as heartbeat_age_us, \
         null as silence_us, null as tls_ciphersuites \
         from information_schema.global_status where variable_name like 'slave%heartbeat%'",
        value("heartbeat_period"),
        value("last_heartbeat"),
        count = value("received_heartbeats"),
    )
}

/// Members of the replication group, with the group's settings in each row.
pub(crate) const GROUP_MEMBERS: &str = "select member_id, member_host, member_port, member_state, member_role, \
     @@global.group_replication_group_name as group_name, \
     @@global.group_replication_single_primary_mode as single_primary \
     from performance_schema.replication_group_members where member_state != 'OFFLINE'";

/// Which optional features are installed: presence of these variables.
pub(crate) const PLUGINS: &str = "show global variables where variable_name like 'rpl_semi_sync_%_enabled' \
     or variable_name = 'group_replication_group_name'";

/// State of semi-synchronous replication.
pub(crate) const SEMI_SYNC_STATUS: &str = "show global status like 'Rpl_semi_sync_%'";

/// Transactions of a channel that workers have begun and not ended. See [`Writer::of_channel`].
pub(crate) const PARTIAL_TRANSACTIONS: &str = "select count(*) as begun from performance_schema.replication_applier_status_by_worker \
     where channel_name = CHANNEL and applying_transaction <> ''";

/// The session that hands transactions of a channel to the workers. See [`Writer::of_channel`].
pub(crate) const APPLIER_SESSION: &str = "select t.processlist_id as id from performance_schema.replication_applier_status_by_coordinator c \
     join performance_schema.threads t using (thread_id) where c.channel_name = CHANNEL";

/// Whether the server keeps a replication user.
pub(crate) const CREDENTIALS_FOUND: &str =
    "select count(*) as found from mysql.slave_master_info where User_name <> ''";

/// The replication users the server keeps, the default channel first.
pub(crate) fn credentials(caps: &Capabilities) -> String {
    let order = if caps.channels { " order by Channel_name" } else { "" };
    format!("select User_name, User_password from mysql.slave_master_info where User_name <> ''{order}")
}

/// The transaction at which an applier failed. The first form is of MySQL 8.0 and later, the second of 5.7.
pub(crate) const FAILED_TRANSACTION: [&str; 2] = [
    "select applying_transaction as gtid from performance_schema.replication_applier_status_by_worker \
     where last_error_number <> 0 and applying_transaction <> '' limit 1",
    "select last_seen_transaction as gtid from performance_schema.replication_applier_status_by_worker \
     where last_error_number <> 0 and last_seen_transaction <> '' limit 1",
];

/// Hosts of an NDB cluster's SQL nodes.
pub(crate) const NDB_NODES: &str =
    "select substring(service_URI, 9) as mysql_host from ndbinfo.processes where process_name = 'mysqld'";

/// Gives the server's own network time-out back.
pub(crate) const RESTORE_NET_TIMEOUT: &str = "set global slave_net_timeout=@net_timeout";

/// Starts a receiver by these statements with a network time-out of at most five seconds, which it reads when it connects:
/// so long it may have to be waited for when it is to be stopped again. Once it is connected the short time-out costs an
/// idle receiver one reconnect, which has the old one again.
pub(crate) fn with_short_net_timeout(statements: &str) -> String {
    format!(
        "set @net_timeout=@@global.slave_net_timeout; set global slave_net_timeout=least(@net_timeout, 5); \
         {statements}; do sleep(0.1); {RESTORE_NET_TIMEOUT}"
    )
}

/// The channel a statement is about: the default one, or one by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Channel(pub(crate) String);

/// Writes statements that change replication of one channel in the words of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) caps: &'a Capabilities,
    pub(crate) channel: &'a Channel,
    pub(crate) no_backslash_escapes: bool,
}

impl Writer<'_> {
    pub(crate) fn quoted(&self, text: &str) -> String {
        quoted(text, self.no_backslash_escapes)
    }

    /// `replica` or `slave`.
    fn noun(&self) -> &'static str {
        if self.caps.replica_words { "replica" } else { "slave" }
    }

    /// `source` or `master`: prefix of the options of a change.
    pub(crate) fn source(&self) -> &'static str {
        if self.caps.change_source { "source" } else { "master" }
    }

    /// MariaDB names the connection after the verb; MySQL at the end.
    fn before(&self) -> String {
        match self.caps.family {
            Family::MariaDb if !self.channel.0.is_empty() => format!(" {}", self.quoted(&self.channel.0)),
            Family::MariaDb | Family::MySql | Family::MaxScale => String::new(),
        }
    }

    fn after(&self) -> String {
        if self.caps.channels {
            format!(" for channel {}", self.quoted(&self.channel.0))
        } else {
            String::new()
        }
    }

    pub(crate) fn stop(&self, threads: Threads) -> String {
        format!("stop {}{}{}{}", self.noun(), self.before(), thread_words(threads), self.after())
    }

    pub(crate) fn start(&self, threads: Threads) -> String {
        format!("start {}{}{}{}", self.noun(), self.before(), thread_words(threads), self.after())
    }

    /// Start both threads and stop the applier at coordinates of the source.
    pub(crate) fn start_until(&self, file: &str, pos: u64) -> String {
        let source = self.source();
        format!(
            "start {}{} until {source}_log_file={}, {source}_log_pos={pos}{}",
            self.noun(),
            self.before(),
            self.quoted(file),
            self.after()
        )
    }

    /// Lets the applier pass over one event group (servers without GTID).
    pub(crate) fn skip_one(&self) -> &'static str {
        if self.caps.source_pos_wait {
            "set global sql_replica_skip_counter = 1"
        } else {
            "set global sql_slave_skip_counter = 1"
        }
    }

    /// Delete all binary logs and forget executed transactions.
    pub(crate) fn reset_binary_logs(&self) -> &'static str {
        if self.caps.binary_log_status { "reset binary logs and gtids" } else { "reset master" }
    }

    /// Forget the source, its credentials and the relay log.
    pub(crate) fn reset_all(&self) -> String {
        format!("reset {}{} all{}", self.noun(), self.before(), self.after())
    }

    /// Drop the relay log but keep the source.
    pub(crate) fn reset(&self) -> String {
        format!("reset {}{}{}", self.noun(), self.before(), self.after())
    }

    /// A change of source with these options, already written.
    pub(crate) fn change(&self, options: &[String]) -> String {
        let verb = if self.caps.change_source { "change replication source" } else { "change master" };
        format!("{verb}{} to {}{}", self.before(), options.join(", "), self.after())
    }

    /// A question about one channel: `CHANNEL` in it is replaced by its name.
    pub(crate) fn of_channel(&self, question: &str) -> String {
        question.replace("CHANNEL", &self.quoted(&self.channel.0))
    }

    /// How often the source shall send a heartbeat, seconds (MySQL).
    pub(crate) fn heartbeat_period(&self) -> String {
        if self.caps.heartbeat_status {
            return "select variable_value as heartbeat_interval from information_schema.global_status \
                    where variable_name = 'slave_heartbeat_period'"
                .to_owned();
        }
        format!(
            "select heartbeat_interval from performance_schema.replication_connection_configuration \
             where channel_name = {}",
            self.quoted(&self.channel.0)
        )
    }

    /// Waits for coordinates of the source. NULL: the applier does not run; -1: time is over.
    pub(crate) fn wait_for_coordinates(&self, file: &str, pos: u64, seconds: f64) -> String {
        let function = if self.caps.source_pos_wait { "source_pos_wait" } else { "master_pos_wait" };
        let channel = match self.caps.family {
            Family::MySql if self.caps.channels => format!(", {}", self.quoted(&self.channel.0)),
            Family::MariaDb if !self.channel.0.is_empty() => format!(", {}", self.quoted(&self.channel.0)),
            Family::MySql | Family::MariaDb | Family::MaxScale => String::new(),
        };
        format!("select {function}({}, {pos}, {seconds:.3}{channel})", self.quoted(file))
    }

    /// Whether a GTID set is executed (MySQL): 1 = yes.
    pub(crate) fn is_executed(&self, set: &str) -> String {
        format!("select gtid_subset({}, @@global.gtid_executed)", self.quoted(set))
    }

    /// Waits for a GTID set or MariaDB position: 0 = executed; 1 (MySQL) or -1 (MariaDB) = time is over.
    pub(crate) fn wait_for_gtid(&self, set: &str, seconds: f64) -> String {
        let function = match self.caps.family {
            Family::MariaDb => "master_gtid_wait",
            Family::MySql | Family::MaxScale => "wait_for_executed_gtid_set",
        };
        format!("select {function}({}, {seconds:.3})", self.quoted(set))
    }
}

fn thread_words(threads: Threads) -> &'static str {
    match threads {
        Threads::Both => "",
        Threads::Receiver => " io_thread",
        Threads::Applier => " sql_thread",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ServerVersion;

    fn write(version: &str, channel: &str, f: impl Fn(&Writer<'_>) -> String) -> String {
        let caps = Capabilities::of(&ServerVersion::new(version, ""));
        f(&Writer { caps: &caps, channel: &Channel(channel.to_owned()), no_backslash_escapes: false })
    }

    #[test]
    fn literals_cannot_be_left() {
        assert_eq!(quoted("a'b\\c", false), r"'a''b\\c'");
        assert_eq!(quoted("a'b\\c", true), r"'a''b\c'");
        assert_eq!(quoted("a\0b\x1ac", false), "'abc'");
    }

    #[test]
    fn stop_and_start_in_each_dialect() {
        let stop = |w: &Writer<'_>| w.stop(Threads::Receiver);
        assert_eq!(write("5.6.30", "", stop), "stop slave io_thread");
        assert_eq!(write("5.7.44", "", stop), "stop slave io_thread for channel ''");
        assert_eq!(write("8.4.0", "c1", stop), "stop replica io_thread for channel 'c1'");
        assert_eq!(write("10.11.6-MariaDB", "", stop), "stop slave io_thread");
        assert_eq!(write("10.11.6-MariaDB", "c1", stop), "stop slave 'c1' io_thread");
    }

    #[test]
    fn reset_and_change_in_each_dialect() {
        let reset = |w: &Writer<'_>| w.reset_all();
        assert_eq!(write("10.11.6-MariaDB", "c1", reset), "reset slave 'c1' all");
        assert_eq!(write("9.7.0", "", reset), "reset replica all for channel ''");
        let change = |w: &Writer<'_>| w.change(&[format!("{}_port=1", w.source())]);
        assert_eq!(write("8.0.22", "", change), "change master to master_port=1 for channel ''");
        assert_eq!(write("8.0.23", "", change), "change replication source to source_port=1 for channel ''");
        assert_eq!(write("10.11.6-MariaDB", "c1", change), "change master 'c1' to master_port=1");
    }

    #[test]
    fn replication_up_to_a_place_in_each_dialect() {
        let until = |w: &Writer<'_>| w.start_until("bin.1", 4);
        assert_eq!(
            write("9.7.0", "", until),
            "start replica until source_log_file='bin.1', source_log_pos=4 for channel ''"
        );
        assert_eq!(
            write("10.11.6-MariaDB", "", until),
            "start slave until master_log_file='bin.1', master_log_pos=4"
        );
        assert_eq!(write("8.0.23", "", |w| w.reset_binary_logs().to_owned()), "reset master");
        assert_eq!(
            write("9.7.0", "", |w| w.skip_one().to_owned()),
            "set global sql_replica_skip_counter = 1"
        );
    }

    #[test]
    fn waits_in_each_dialect() {
        let wait = |w: &Writer<'_>| w.wait_for_coordinates("bin.1", 4, 1.5);
        assert_eq!(write("9.7.0", "", wait), "select source_pos_wait('bin.1', 4, 1.500, '')");
        assert_eq!(write("10.11.6-MariaDB", "", wait), "select master_pos_wait('bin.1', 4, 1.500)");
        let gtid = |w: &Writer<'_>| w.wait_for_gtid("0-1-2", 1.0);
        assert_eq!(write("10.11.6-MariaDB", "", gtid), "select master_gtid_wait('0-1-2', 1.000)");
    }

    #[test]
    fn basics_ask_only_what_the_server_knows() {
        let caps = Capabilities::of(&ServerVersion::new("10.11.6-MariaDB", ""));
        let text = basics(&caps, false);
        assert!(
            text.contains("@@global.gtid_current_pos as gtid_current_pos") && !text.contains("gtid_mode")
        );
        let caps = Capabilities::of(&ServerVersion::new("8.4.0", ""));
        assert!(basics(&caps, true).contains("'log_replica_updates', 'super_read_only', 'gtid_mode'"));
    }
}
