//! The placeholders of answers: what differs from one simulated server to the next and from moment to moment.

use std::fmt::Write;

use super::places;
use super::servers::{Receiving, Servers};

/// Where binary logs begin and how many bytes a transaction takes, as measured on a real server.
const LOG_BEGIN: u64 = 387;
const TRANSACTION_BYTES: u64 = 220;
/// Transactions of one binary log file: about a gibibyte.
const PER_FILE: u64 = 4_800_000;
/// What a relay log has more than the binary log it repeats.
const RELAY_MORE: u64 = 296;
/// Replicas of a primary connect from ports from here on.
const CLIENT_PORT: usize = 40_000;

/// One placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Host,
    Port,
    Id,
    ReadOnly,
    /// As a number.
    ReadOnlyNumber,
    Uptime,
    /// From which a replica connects to its source.
    ClientPort,
    Gtid,
    GtidIfReplica,
    File,
    FileNumber,
    Position,
    RelayPosition,
    Transactions,
    SourceHost,
    SourceId,
    ReceiverState,
    ReceiverRunning,
    ReceiverErrorNumber,
    ReceiverError,
    /// NULL while the receiver is not connected.
    Lag,
}

/// Names of the placeholders.
pub(super) const FACTS: [(&str, Fact); 21] = [
    ("host", Fact::Host),
    ("port", Fact::Port),
    ("id", Fact::Id),
    ("read only", Fact::ReadOnly),
    ("read only number", Fact::ReadOnlyNumber),
    ("uptime", Fact::Uptime),
    ("client port", Fact::ClientPort),
    ("gtid", Fact::Gtid),
    ("gtid if replica", Fact::GtidIfReplica),
    ("file", Fact::File),
    ("file number", Fact::FileNumber),
    ("position", Fact::Position),
    ("relay position", Fact::RelayPosition),
    ("transactions", Fact::Transactions),
    ("source host", Fact::SourceHost),
    ("source id", Fact::SourceId),
    ("receiver state", Fact::ReceiverState),
    ("receiver running", Fact::ReceiverRunning),
    ("receiver error number", Fact::ReceiverErrorNumber),
    ("receiver error", Fact::ReceiverError),
    ("lag", Fact::Lag),
];

/// One server at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) servers: &'a Servers,
    pub(super) index: usize,
    written: u64,
    receiving: Receiving,
}

impl<'a> View<'a> {
    pub(super) fn of(servers: &'a Servers, index: usize) -> Self {
        let receiving = servers.receiving(servers.primary_of(index));
        Self { servers, index, written: servers.written(index), receiving }
    }

    fn position(self) -> u64 {
        LOG_BEGIN + self.written % PER_FILE * TRANSACTION_BYTES
    }

    /// Adds the text of a fact. `false`: it is NULL.
    pub(super) fn write(self, fact: Fact, text: &mut String) -> bool {
        let source = self.servers.primary_of(self.index);
        let is_primary = source == self.index;
        // Writing to a string cannot fail.
        let _ = match fact {
            Fact::Host => write!(text, "{}", places::address(self.index)),
            Fact::Port => write!(text, "{}", self.servers.port),
            Fact::Id => write!(text, "{}", id(self.index)),
            Fact::ReadOnly => text.write_str(if is_primary { "OFF" } else { "ON" }),
            Fact::ReadOnlyNumber => text.write_str(if is_primary { "0" } else { "1" }),
            Fact::ClientPort => write!(text, "{}", CLIENT_PORT + self.index - source),
            Fact::Uptime => write!(text, "{}", self.servers.uptime(self.index).as_secs()),
            Fact::GtidIfReplica if is_primary => Ok(()),
            Fact::Gtid | Fact::GtidIfReplica => write!(text, "0-{}-{}", id(source), self.written),
            Fact::File => write!(text, "binlog.{:06}", self.written / PER_FILE + 1),
            Fact::FileNumber => write!(text, "{:06}", self.written / PER_FILE + 2),
            Fact::Position => write!(text, "{}", self.position()),
            Fact::RelayPosition => write!(text, "{}", self.position() + RELAY_MORE),
            Fact::Transactions => write!(text, "{}", self.written),
            Fact::SourceHost => write!(text, "{}", places::address(source)),
            Fact::SourceId => write!(text, "{}", id(source)),
            Fact::ReceiverState => text.write_str(match self.receiving {
                Receiving::Yes => "Waiting for master to send event",
                Receiving::Refused | Receiving::Silent => "Reconnecting after a failed master event read",
            }),
            Fact::ReceiverRunning => {
                text.write_str(if self.receiving == Receiving::Yes { "Yes" } else { "Connecting" })
            }
            Fact::ReceiverErrorNumber => text.write_str(match self.receiving {
                Receiving::Yes => "0",
                Receiving::Refused => "2003",
                Receiving::Silent => "2013",
            }),
            Fact::ReceiverError => self.write_error(text),
            Fact::Lag if self.receiving != Receiving::Yes => return false,
            Fact::Lag => text.write_str("0"),
        };
        true
    }

    fn write_error(self, text: &mut String) -> std::fmt::Result {
        let host = places::address(self.servers.primary_of(self.index));
        let reason = match self.receiving {
            Receiving::Yes => return Ok(()),
            Receiving::Refused => format!("Can't connect to server on '{host}' (111 \"Connection refused\")"),
            Receiving::Silent => "Lost connection to server at 'waiting for initial communication packet', \
                                  system error: 110 \"Connection timed out\""
                .to_owned(),
        };
        let port = self.servers.port;
        write!(
            text,
            "error reconnecting to master 'repl@{host}:{port}' - retry-time: 1  maximum-retries: 86400  message: {reason}"
        )
    }
}

/// `server_id` of a server.
pub(super) fn id(index: usize) -> usize {
    index + 1
}
