//! Changes to single database servers, and what only they can tell.

use std::sync::Arc;

use engine::{Engine, OperationError};
use model::{BinlogCoordinates, Instance, InstanceKey};
use registry::{Param, ReplicationOperation as Op};

use super::answer::{Failure, Reply};
use super::call::Call;
use super::logs;
use super::relocation::{no_pseudo_gtid, refuse_dry_run};

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::WhichErrant => return which_errant(call).await,
        Op::LocateErrant => return locate_errant(call).await,
        Op::PosWait => return wait_for_place(call).await,
        Op::Statements => return statements(call).await,
        Op::LastPseudoGtid => return Err(no_pseudo_gtid(call)),
        Op::LastRelayEntry => return logs::last_relay_entry(call).await,
        Op::EqualRelayPlace => return logs::equal_relay_place(call).await,
        Op::FindEntry => return logs::find_entry(call).await,
        Op::EqualLogPlace => return logs::equal_log_place(call).await,
        Op::InjectErrant => return inject_errant(call).await,
        Op::Delay => return delay(call).await,
        _ => {}
    }
    let key = call.figured_key().await?;
    let order = Order::of(call, operation)?;
    refuse_dry_run(call, name_of(operation), &key)?;
    let instance = call.engine.detached("change of a server", move |engine| order.carry_out(engine, key));
    let instance = instance.await?;
    Ok(call.operated(message_of(operation, &instance.key), &instance))
}

/// What to do on one server, with its arguments.
enum Order {
    Plain(Op),
    Flush(Option<String>),
    Purge { file: Option<String>, forced: bool },
    Kill(u64),
}

impl Order {
    fn of(call: &Call<'_>, operation: Op) -> Result<Self, Failure> {
        let binlog = call.args.text(Param::Binlog).map(str::to_owned);
        Ok(match operation {
            Op::FlushBinaryLogs => Self::Flush(binlog),
            Op::PurgeBinaryLogs => {
                let file = binlog.ok_or_else(|| Failure::input("expecting --binlog value"))?;
                let file = Some(file).filter(|file| file != "latest");
                Self::Purge { file, forced: call.args.is_on(Param::Force) }
            }
            Op::KillQuery => {
                let text = call.args.text_or_empty(Param::Process);
                let id = text.parse().map_err(|_| Failure::input(format!("{text:?} is no process id")))?;
                Self::Kill(id)
            }
            other => Self::Plain(other),
        })
    }

    async fn carry_out(self, engine: Engine, key: InstanceKey) -> Result<Arc<Instance>, OperationError> {
        match self {
            Self::Flush(file) => engine.flush_binary_logs(&key, file.as_deref()).await,
            Self::Purge { file, forced } => engine.purge_binary_logs(&key, file.as_deref(), forced).await,
            Self::Kill(id) => engine.kill_query(&key, id).await,
            Self::Plain(operation) => plain(&engine, operation, &key).await,
        }
    }
}

async fn plain(engine: &Engine, operation: Op, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
    match operation {
        Op::EnableGtid => engine.switch_gtid(key, true).await,
        Op::DisableGtid => engine.switch_gtid(key, false).await,
        Op::ResetErrant => engine.reset_errant(key).await,
        Op::SkipQuery => engine.skip_query(key).await,
        Op::StopReplica => engine.stop_replication(key).await,
        Op::StopReplicaNice => engine.stop_replication_nicely(key).await,
        Op::StartReplica => engine.start_replication(key).await,
        Op::RestartReplica => {
            engine.stop_replication(key).await?;
            engine.start_replication(key).await
        }
        Op::ResetReplica => engine.reset_replication(key).await,
        Op::Credentials => engine.reapply_credentials(key).await,
        Op::DetachReplica => engine.detach_source(key, true).await,
        Op::ReattachReplica => engine.detach_source(key, false).await,
        Op::EnableSemiSyncPrimary => engine.switch_semi_sync(key, true, true).await,
        Op::DisableSemiSyncPrimary => engine.switch_semi_sync(key, true, false).await,
        Op::EnableSemiSyncReplica => engine.switch_semi_sync(key, false, true).await,
        Op::DisableSemiSyncReplica => engine.switch_semi_sync(key, false, false).await,
        Op::SetReadOnly => engine.set_read_only(key, true).await,
        Op::SetWriteable => engine.set_read_only(key, false).await,
        Op::WhichErrant
        | Op::LocateErrant
        | Op::InjectErrant
        | Op::PosWait
        | Op::Delay
        | Op::Statements
        | Op::KillQuery
        | Op::FlushBinaryLogs
        | Op::PurgeBinaryLogs
        | Op::LastRelayEntry
        | Op::EqualRelayPlace
        | Op::FindEntry
        | Op::EqualLogPlace
        | Op::LastPseudoGtid => engine.known(key).await,
    }
}

fn message_of(operation: Op, key: &InstanceKey) -> String {
    match operation {
        Op::EnableGtid => format!("Enabled GTID on {key}"),
        Op::DisableGtid => format!("Disabled GTID on {key}"),
        Op::ResetErrant => format!("Removed errant GTID on {key} and issued a RESET MASTER"),
        Op::SkipQuery => format!("Query skipped on {key}"),
        Op::StopReplica => format!("Replica stopped: {key}"),
        Op::StopReplicaNice => format!("Replica stopped nicely: {key}"),
        Op::StartReplica => format!("Replica started: {key}"),
        Op::RestartReplica => format!("Replica restarted: {key}"),
        Op::ResetReplica => format!("Replica reset on {key}"),
        Op::Credentials => format!("Replication credentials re-applied on {key}"),
        Op::DetachReplica => format!("Replica detached: {key}"),
        Op::ReattachReplica => format!("Replica reattached: {key}"),
        Op::EnableSemiSyncPrimary => "master semi-sync set to true".to_owned(),
        Op::DisableSemiSyncPrimary => "master semi-sync set to false".to_owned(),
        Op::EnableSemiSyncReplica => "replica semi-sync set to true".to_owned(),
        Op::DisableSemiSyncReplica => "replica semi-sync set to false".to_owned(),
        Op::SetReadOnly => "Server set as read-only".to_owned(),
        Op::SetWriteable => "Server set as writeable".to_owned(),
        Op::KillQuery => format!("Query killed on : {key}"),
        Op::FlushBinaryLogs | Op::PurgeBinaryLogs => format!("Binary logs flushed on: {key}"),
        Op::WhichErrant
        | Op::LocateErrant
        | Op::InjectErrant
        | Op::PosWait
        | Op::Delay
        | Op::Statements
        | Op::LastRelayEntry
        | Op::EqualRelayPlace
        | Op::FindEntry
        | Op::EqualLogPlace
        | Op::LastPseudoGtid => key.to_string(),
    }
}

/// What a dry run calls an operation.
fn name_of(operation: Op) -> &'static str {
    match operation {
        Op::SetReadOnly | Op::SetWriteable => "set-read-only",
        Op::EnableGtid | Op::DisableGtid | Op::DetachReplica | Op::ReattachReplica | Op::Credentials => {
            "CHANGE MASTER TO"
        }
        Op::ResetReplica => "reset-replication",
        Op::ResetErrant => "reset-master",
        Op::SkipQuery => "skip-query",
        Op::KillQuery => "kill-query",
        Op::FlushBinaryLogs => "flush-binary-logs",
        Op::PurgeBinaryLogs => "purge-binary-logs",
        Op::StopReplica => "stop-replica",
        Op::StopReplicaNice => "stop-replica-nice",
        Op::StartReplica => "start-replica",
        Op::RestartReplica => "restart-replica",
        Op::EnableSemiSyncPrimary
        | Op::DisableSemiSyncPrimary
        | Op::EnableSemiSyncReplica
        | Op::DisableSemiSyncReplica => "semi-sync",
        Op::InjectErrant => "inject-empty-gtid",
        Op::Delay => "delay-replication",
        Op::WhichErrant
        | Op::LocateErrant
        | Op::PosWait
        | Op::Statements
        | Op::LastRelayEntry
        | Op::EqualRelayPlace
        | Op::FindEntry
        | Op::EqualLogPlace
        | Op::LastPseudoGtid => "read",
    }
}

async fn which_errant(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let instance = call.engine.discover(&key).await?;
    Ok(Reply::bare(call.json(&instance.gtid_errant), Vec::new()).printing_block(instance.gtid_errant.clone()))
}

async fn locate_errant(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let files = call.engine.locate_errant(&key).await?;
    Ok(Reply::envelope("located errant GTID", call.json(&files)).printing(files))
}

async fn inject_errant(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    refuse_dry_run(call, name_of(Op::InjectErrant), &key)?;
    let work = call
        .engine
        .detached("empty transactions", move |engine| async move { engine.inject_errant(&key).await });
    let (instance, count, primary) = work.await?;
    let message = format!("Have injected {count} transactions on cluster master {primary}");
    Ok(call.operated(message, &instance))
}

async fn wait_for_place(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let text = call.args.text_or_empty(Param::Binlog);
    let at = BinlogCoordinates::parse(text)
        .map_err(|_| Failure::input("Expecing --binlog argument as file:pos"))?;
    let instance = call.engine.wait_for_coordinates(&key, at.clone()).await?;
    Ok(call.operated(format!("{} has executed {at}", instance.key), &instance))
}

async fn statements(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let injected = call.args.text_or_empty(Param::Statement);
    let statements = call.engine.restart_statements(&key, injected).await?;
    Ok(Reply::envelope(format!("statements for: {key}"), call.json(&statements)).printing(statements))
}

async fn delay(call: &Call<'_>) -> Result<Reply, Failure> {
    let text = call.args.text_or_empty(Param::Seconds);
    let seconds: i64 = text.parse().map_err(|_| Failure::input("Invalid value provided for seconds"))?;
    let Ok(wanted) = u32::try_from(seconds) else {
        return Err(Failure::input(format!(
            "invalid seconds: {seconds}, it should be greater or equal to 0"
        )));
    };
    let key = call.figured_key().await?;
    refuse_dry_run(call, name_of(Op::Delay), &key)?;
    let work = call
        .engine
        .detached("delay", move |engine| async move { engine.delay_replication(&key, wanted).await });
    let instance = work.await?;
    let message = format!("Replication delayed: {}", instance.key);
    Ok(Reply::envelope(message, seconds.to_string()).printing([instance.key.to_string()]))
}
