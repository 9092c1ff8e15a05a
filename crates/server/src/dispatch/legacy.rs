//! Moves that old scripts and old set-ups ask for.

use super::answer::{Failure, Reply};
use super::call::Call;
use super::relocation::{refuse_dry_run, tell_errors};

pub(super) async fn regroup_binlog_servers(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.known().await?.key.clone();
    refuse_dry_run(call, "regroup-replicas-bls", &key)?;
    let of = key.clone();
    let work = call.engine.detached("regroup binlog servers", move |engine| async move {
        engine.regroup_binlog_servers(&of).await
    });
    let (best, moved) = work.await.map_err(|error| match call.is_command() {
        true => {
            Failure::refused(format!("Could not regroup binlog server replicas of {key}; error: {error}"))
        }
        false => Failure::from(error),
    })?;
    tell_errors(call, &moved.errors);
    Ok(Reply::about(format!("promoted binlog server: {}", best.key), &best.key))
}

pub(super) async fn make_primary(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.known().await?.key.clone();
    refuse_dry_run(call, "make-master", &key)?;
    let work =
        call.engine.detached("make primary", move |engine| async move { engine.make_primary(&key).await });
    let made = work.await?;
    Ok(call.operated(format!("Instance {} now made master", made.key), &made))
}

pub(super) async fn make_local_primary(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.known().await?.key.clone();
    refuse_dry_run(call, "make-local-master", &key)?;
    let work = call
        .engine
        .detached("make local primary", move |engine| async move { engine.make_local_primary(&key).await });
    let made = work.await?;
    Ok(call.operated(format!("Instance {} now made local master", made.key), &made))
}
