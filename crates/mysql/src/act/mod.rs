//! Performing one action on one server. Every action is idempotent: what already holds is not done again.

mod canary;
mod change;
mod logs;
mod partial;
mod progress;
mod switch;
mod wait;

use model::{Action, InstanceKey, Replication, Threads};
use ports::{Deadline, ErrorClass};

pub(crate) use canary::try_write;
pub(crate) use change::set_credentials;
pub(crate) use logs::{binary_logs, log_events};

use crate::errors::{Failure, NOT_A_REPLICA, REPLICA_NOT_RUNNING};
use crate::probe::{choose_channel, is_applier_idle, read_replication, source_key};
use crate::session::Session;
use crate::statements::{self, Channel, Writer};

/// An action under way: the connection, and the statements sent so far, without secrets.
pub(crate) struct Work<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) deadline: Deadline,
    pub(crate) sent: Vec<String>,
}

/// Replication of the server at this moment; `None` when it is no replica.
pub(crate) struct Current {
    pub(crate) channel: Channel,
    pub(crate) source: InstanceKey,
    pub(crate) replication: Replication,
    /// The applier has read its whole relay log and waits for more.
    pub(crate) is_applier_idle: bool,
    /// Period of heartbeats, seconds, where the status row tells it (MariaDB).
    pub(crate) heartbeat_seconds: Option<f64>,
}

impl Work<'_> {
    /// Sends a changing statement and keeps it for the audit.
    pub(crate) async fn change(&mut self, statement: String) -> Result<(), Failure> {
        self.sent.push(statement.clone());
        self.session.many(&statement, self.deadline).await.map(|_| ()).map_err(|halt| halt.failure)
    }

    /// Asks one statement.
    pub(crate) async fn ask(&mut self, statement: &str) -> Result<crate::tables::Table, Failure> {
        self.session.one(statement, self.deadline).await
    }

    /// Reads replication status.
    pub(crate) async fn current(&mut self) -> Result<Option<Current>, Failure> {
        let statement = statements::replication_status(self.session.capabilities());
        let status = self.session.one(statement, self.deadline).await?;
        let chosen = choose_channel(&status);
        Ok(chosen.row.map(|row| Current {
            source: source_key(row),
            replication: read_replication(row),
            is_applier_idle: is_applier_idle(row),
            channel: Channel(chosen.name.clone()),
            heartbeat_seconds: row.number(&["Slave_heartbeat_period"]),
        }))
    }

    /// Writes a statement for a channel in the server's words.
    pub(crate) fn write(&self, channel: &Channel, text: impl Fn(&Writer<'_>) -> String) -> String {
        text(&Writer {
            caps: self.session.capabilities(),
            channel,
            no_backslash_escapes: self.session.greeting.no_backslash_escapes,
        })
    }
}

/// Performs an action. Reading again ([`Action::Probe`]) is not done here.
pub(crate) async fn perform(work: &mut Work<'_>, action: &Action) -> Result<(), Failure> {
    match action {
        Action::StopReplication(threads) => stop(work, *threads).await,
        Action::StartReplication(threads) => start(work, *threads).await,
        Action::ReconnectReceiver => reconnect(work).await,
        Action::DropPartialTransaction { through } => partial::drop_transaction(work, through.as_ref()).await,
        Action::WaitApplied => wait::applied(work).await,
        Action::WaitExecutedGtid(set) => wait::executed_gtid(work, set).await,
        Action::WaitExecutedCoordinates(at) => wait::executed_coordinates(work, at).await,
        Action::ChangeSource { source, position } => change::source(work, source, position).await,
        Action::ResetReplication => reset(work).await,
        Action::DetachSource => change::detach(work, true).await,
        Action::ReattachSource => change::detach(work, false).await,
        Action::SetReadOnly { on, with_super } => switch::read_only(work, *on, *with_super).await,
        Action::SetSemiSyncPrimary(on) => switch::semi_sync_primary(work, *on).await,
        Action::SetSemiSyncReplica(on) => switch::semi_sync_replica(work, *on).await,
        Action::ReplicateUntil(at) => progress::until(work, at).await,
        Action::SetDelay(seconds) => progress::delay(work, *seconds).await,
        Action::SkipTransaction => progress::skip(work).await,
        // `local`: nobody below needs to flush, and nothing may enter the binary log of a replica.
        Action::FlushBinaryLogs => work.change("flush local binary logs".to_owned()).await,
        Action::PurgeBinaryLogs(file) => logs::purge(work, file).await,
        Action::ResetBinaryLogs => logs::reset(work).await,
        Action::SetPurgedGtid(set) => logs::set_purged(work, set).await,
        Action::InjectEmpty(gtids) => progress::inject(work, gtids).await,
        Action::KillQuery(id) => work.change(format!("kill query {id}")).await,
        Action::Probe => Ok(()),
    }
}

pub(crate) async fn stop(work: &mut Work<'_>, threads: Threads) -> Result<(), Failure> {
    let Some(current) = work.current().await? else { return Ok(()) };
    let statement = work.write(&current.channel, |writer| writer.stop(threads));
    match work.change(statement).await {
        Err(failure) if failure.number == Some(REPLICA_NOT_RUNNING) => Ok(()),
        Ok(()) if threads == Threads::Receiver && work.session.capabilities().counts_begun => {
            wait::received_is_known(work).await
        }
        outcome => outcome,
    }
}

/// Stop and start travel in one request, which the server carries out to its end even if nobody waits for the answer.
async fn reconnect(work: &mut Work<'_>) -> Result<(), Failure> {
    let Some(current) = work.current().await? else { return start(work, Threads::Receiver).await };
    let statements = work.write(&current.channel, |writer| {
        format!("{}; {}", writer.stop(Threads::Receiver), writer.start(Threads::Receiver))
    });
    if work.session.capabilities().stop_waits_for_connect {
        // It needs the privilege that stopping needs.
        let changed = work.change(statements::with_short_net_timeout(&statements)).await;
        if changed.as_ref().is_err_and(|failure| !failure.is_fatal) {
            work.change(statements::RESTORE_NET_TIMEOUT.to_owned()).await?;
        }
        return changed;
    }
    match work.change(statements).await {
        Err(failure) if failure.number == Some(REPLICA_NOT_RUNNING) => start(work, Threads::Receiver).await,
        outcome => outcome,
    }
}

pub(crate) async fn start(work: &mut Work<'_>, threads: Threads) -> Result<(), Failure> {
    let Some(current) = work.current().await? else {
        let mut failure = Failure::own(ErrorClass::Server, "it is no replica, so there is nothing to start");
        failure.number = Some(NOT_A_REPLICA);
        return Err(failure);
    };
    let statement = work.write(&current.channel, |writer| writer.start(threads));
    work.change(statement).await
}

/// Forgets the source for good, and looks whether that took effect.
async fn reset(work: &mut Work<'_>) -> Result<(), Failure> {
    let Some(current) = work.current().await? else { return Ok(()) };
    let statement = work.write(&current.channel, |writer| writer.reset_all());
    work.change(statement).await?;
    match work.current().await? {
        Some(left) if left.source.is_valid() => {
            Err(Failure::own(ErrorClass::Server, format!("it still names {} as its source", left.source)))
        }
        Some(_) | None => Ok(()),
    }
}
