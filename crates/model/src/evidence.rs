//! What failed when a server was looked at: the raw material for naming the cause of a finding.
//!
//! Kinds are told by error numbers and states, never by the text of a message.

use std::fmt;

use crate::{InstanceKey, Timestamp};

/// How a check of a server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckFailure {
    /// Nobody listens at its port: the process is gone.
    Refused,
    /// The connection broke, or could not be made.
    Broken,
    /// The connection was accepted, but no answer came in time: frozen, overloaded or locked.
    Silent,
    /// Not even the connection was accepted in time: the host or the way to it is gone.
    Unanswered,
    /// The server has no connection left for us.
    ConnectionLimit,
    /// The server refuses our account.
    AccessDenied,
    /// The server has no disk space left.
    DiskFull,
    /// It answered with another error, or with something that cannot be understood.
    Other,
}

impl CheckFailure {
    /// In words, as a clause without subject.
    pub fn text(self) -> &'static str {
        match self {
            Self::Refused => "refused the connection",
            Self::Broken => "broke the connection",
            Self::Silent => "accepted the connection but did not answer in time",
            Self::Unanswered => "did not accept the connection in time",
            Self::ConnectionLimit => "has no connection left",
            Self::AccessDenied => "refused the account",
            Self::DiskFull => "has no disk space left",
            Self::Other => "answered with an error",
        }
    }
}

/// Server errors that mean a full disk: disk full, error on write, table full, and binary logging not possible.
pub fn is_disk_full(number: u32) -> bool {
    matches!(number, 1021 | 1026 | 1114 | 1598)
}

/// Server errors that mean that no connection is left: for anybody, for the account, for the account's resources.
pub fn is_connection_limit(number: u32) -> bool {
    matches!(number, 1040 | 1203 | 1226)
}

/// Server errors by which somebody who connects is turned away: by a limit ([`is_connection_limit`]), because the account
/// (1045), the host (1129, 1130), an expired password (1862), offline mode (3032), a locked account (3118) or a
/// connection without TLS (3159) is refused. A server that says so lives.
pub fn is_turned_away(number: u32) -> bool {
    is_connection_limit(number) || matches!(number, 1045 | 1129 | 1130 | 1862 | 3032 | 3118 | 3159)
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCheck {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub failure: CheckFailure,
    /// Server error number, when the server answered with one.
    pub number: Option<u16>,
}

impl FailedWrite {
    /// Failures in a row from which on writes count as failing; one alone may be a matter of chance.
    pub const PROOF: u32 = 2;

    /// Enough of them failed in a row.
    pub fn is_proven(&self) -> bool {
        self.failures >= Self::PROOF
    }
}

impl fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.failure.text())?;
        match self.number {
            Some(number) => write!(f, " (error {number})"),
            None => Ok(()),
        }
    }
}

/// A trial write that did not succeed while the server could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedWrite {
    /// When the last one ended.
    pub at: Timestamp,
    /// How many failed without a success between them.
    pub failures: u32,
    /// How: silent when the commit hangs.
    pub failure: CheckFailure,
    /// Server error number, when the server answered with one.
    pub number: Option<u16>,
}

/// The cause of trouble with one server, as far as the evidence names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// No disk space is left.
    DiskFull,
    /// No connection is left.
    ConnectionLimit,
    /// The process is gone: nobody listens.
    ProcessGone,
    /// Connections are accepted and not answered: the process is frozen, overloaded or locked.
    Frozen,
    /// Connections are not even accepted: the host is gone, or the way to it.
    HostGone,
    /// The account of orchestrator is refused; nothing is known about the server.
    AccountRefused,
    /// It can be read, but commits do not return.
    CommitsHang,
    /// It can be read, but refuses to write.
    WritesRefused,
    /// The applier runs and does not get on with what waits for it.
    ApplierStuck,
}

impl Cause {
    /// Every cause, most telling first.
    pub const ALL: &[Self] = &[
        Self::DiskFull,
        Self::ConnectionLimit,
        Self::ProcessGone,
        Self::Frozen,
        Self::HostGone,
        Self::AccountRefused,
        Self::CommitsHang,
        Self::WritesRefused,
        Self::ApplierStuck,
    ];

    /// Name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::ConnectionLimit => "connection-limit",
            Self::ProcessGone => "process-gone",
            Self::Frozen => "frozen",
            Self::HostGone => "host-gone",
            Self::AccountRefused => "account-refused",
            Self::CommitsHang => "commits-hang",
            Self::WritesRefused => "writes-refused",
            Self::ApplierStuck => "applier-stuck",
        }
    }

    /// One clause for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::DiskFull => "no disk space is left",
            Self::ConnectionLimit => "no connection is left",
            Self::ProcessGone => "nobody listens there, the process is gone",
            Self::Frozen => "connections are accepted but not answered, it is frozen or overloaded",
            Self::HostGone => "connections are not even accepted, the host or the way to it is gone",
            Self::AccountRefused => "it refuses the account, so nothing is known about it",
            Self::CommitsHang => "it can be read, but commits hang",
            Self::WritesRefused => "it can be read, but refuses to write",
            Self::ApplierStuck => "its applier runs without getting on",
        }
    }
}

/// One thing that was seen: where, when, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The server that was looked at, which need not be the one it says something about.
    pub source: InstanceKey,
    /// When it was looked at; `None` when it never could be.
    pub at: Option<Timestamp>,
    /// What was seen.
    pub text: String,
}

/// A cause with what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The cause.
    pub cause: Cause,
    /// At least one piece.
    pub evidence: Vec<Evidence>,
}
