//! Changes to database servers.

use registry::ReplicationOperation as Op;

use super::answer::{Failure, Reply};
use super::call::Call;

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let engine = call.engine;
    if engine.identity().noop {
        let name = match operation {
            Op::StopReplica => "stop-replica",
            Op::StartReplica => "start-replica",
            Op::RestartReplica => "restart-replica",
            Op::SetReadOnly | Op::SetWriteable => "set-read-only",
        };
        return Err(Failure::refused(format!(
            "noop: aborting {name} operation on {key}; signalling error but nothing went wrong."
        )));
    }
    let (message, instance) = match operation {
        Op::StopReplica => ("Replica stopped", engine.stop_replication(&key).await?),
        Op::StartReplica => ("Replica started", engine.start_replication(&key).await?),
        Op::RestartReplica => {
            engine.stop_replication(&key).await?;
            ("Replica restarted", engine.start_replication(&key).await?)
        }
        Op::SetReadOnly => ("Server set as read-only", engine.set_read_only(&key, true).await?),
        Op::SetWriteable => ("Server set as writeable", engine.set_read_only(&key, false).await?),
    };
    let message = match operation {
        Op::StopReplica | Op::StartReplica | Op::RestartReplica => format!("{message}: {}", instance.key),
        Op::SetReadOnly | Op::SetWriteable => message.to_owned(),
    };
    Ok(call.operated(message, &instance))
}
