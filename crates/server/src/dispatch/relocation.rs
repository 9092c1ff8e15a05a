//! Moves of replicas.

use std::collections::BTreeSet;

use engine::{Moved, Regrouped};
use model::{BinlogCoordinates, Instance, InstanceKey};
use registry::wire::PlacesView;
use registry::{Param, RelocationOperation as Op};
use tracing::error;

use super::answer::{Failure, Reply};
use super::call::Call;
use super::legacy;

/// What the original says while no pattern tells Pseudo-GTID entries apart.
const NO_PSEUDO_GTID: &str = "PseudoGTIDPattern not configured; cannot use Pseudo-GTID";

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::Relocate => relocate(call).await,
        Op::RelocateReplicas => relocate_replicas(call).await,
        Op::TakeSiblings => take_siblings(call).await,
        Op::RegroupReplicas => regroup(call, false).await,
        Op::RegroupBinlogServers => legacy::regroup_binlog_servers(call).await,
        Op::MakePrimary => legacy::make_primary(call).await,
        Op::MakeLocalPrimary => legacy::make_local_primary(call).await,
        Op::MoveUp => move_up(call).await,
        Op::MoveUpReplicas => move_up_replicas(call).await,
        Op::MoveBelow => move_below(call).await,
        Op::MoveEquivalent => move_equivalent(call).await,
        Op::EquivalentPlaces => equivalent_places(call).await,
        Op::Repoint => repoint(call).await,
        Op::RepointReplicas => repoint_replicas(call).await,
        Op::TakePrimary => take_primary(call).await,
        Op::MakeCoPrimary => make_co_primary(call).await,
        Op::CandidateReplica => candidate(call).await,
        Op::MoveGtid => move_gtid(call).await,
        Op::MoveReplicasGtid => move_replicas_gtid(call).await,
        Op::RegroupReplicasGtid => regroup(call, true).await,
        Op::Match
        | Op::MatchUp
        | Op::Rematch
        | Op::MatchReplicas
        | Op::MatchUpReplicas
        | Op::RegroupReplicasPseudoGtid => Err(no_pseudo_gtid(call)),
    }
}

/// Pseudo-GTID is not supported; where a pattern is configured, the text says what to do instead.
pub(super) fn no_pseudo_gtid(call: &Call<'_>) -> Failure {
    if call.settings.pseudo_gtid.pattern.is_empty() {
        Failure::refused(NO_PSEUDO_GTID)
    } else {
        Failure::refused("Pseudo-GTID is not supported; use GTID, or relocate, move-up and move-below")
    }
}

fn replica_below(replica: &Instance, source: &InstanceKey) -> String {
    format!("{}<{source}", replica.key)
}

async fn relocate(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, below) = targets(call, "relocate").await?;
    let (moving, to) = (key.clone(), below.clone());
    let moved =
        call.engine.detached("relocate", move |engine| async move { engine.relocate(&moving, &to).await });
    let moved = moved.await?;
    let message = format!("Instance {key} relocated below {below}");
    Ok(call.operated(message, &moved).printing([format!("{key}<{below}")]))
}

async fn move_gtid(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, below) = targets(call, "move-gtid").await?;
    let (moving, to) = (key.clone(), below.clone());
    let work = call
        .engine
        .detached("move by GTID", move |engine| async move { engine.move_gtid(&moving, &to).await });
    let moved = work.await?;
    let message = format!("Instance {key} moved below {below} via GTID");
    Ok(call.operated(message, &moved).printing([replica_below(&moved, &below)]))
}

async fn move_below(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "move-below").await?;
    let sibling = destination(call, "Cannot deduce destination/sibling: ").await?;
    let below = sibling.clone();
    let work = call
        .engine
        .detached("move below", move |engine| async move { engine.move_below(&key, &sibling).await });
    let moved = work.await?;
    let message = format!("Instance {} moved below {below}", moved.key);
    Ok(call.operated(message, &moved).printing([replica_below(&moved, &below)]))
}

async fn move_equivalent(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, other) = targets(call, "move-equivalent").await?;
    let below = other.clone();
    let work = call.engine.detached("move to an equal place", move |engine| async move {
        engine.move_equivalent(&key, &other).await
    });
    let moved = work.await?;
    let message = format!("Instance {} relocated via equivalence coordinates below {below}", moved.key);
    Ok(call.operated(message, &moved).printing([replica_below(&moved, &below)]))
}

async fn equivalent_places(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let text = call.args.text_or_empty(Param::LogPos);
    let pos = text.parse().map_err(|_| Failure::input(format!("Invalid logPos: {text}")))?;
    let at = BinlogCoordinates::binary(call.args.text_or_empty(Param::Binlog), pos);
    let found = call.engine.store().equivalents(&key, &at).await?;
    let message = format!("Found {} equivalent coordinates", found.len());
    Ok(Reply::envelope(message, call.json(&PlacesView(&found))))
}

async fn move_up(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "move-up").await?;
    let work = call.engine.detached("move up", move |engine| async move { engine.move_up(&key).await });
    let moved = work.await?;
    let line = replica_below(&moved, &moved.primary_key);
    Ok(call.operated(format!("Instance {} moved up", moved.key), &moved).printing([line]))
}

async fn repoint(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "repoint").await?;
    let source = call.destination().await?;
    let work = call
        .engine
        .detached("repoint", move |engine| async move { engine.repoint(&key, source.as_ref()).await });
    let moved = work.await?;
    let message = format!("Instance {} repointed below {}", moved.key, moved.primary_key);
    let line = replica_below(&moved, &moved.primary_key);
    Ok(call.operated(message, &moved).printing([line]))
}

async fn take_primary(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "take-master").await?;
    let work =
        call.engine.detached("take master", move |engine| async move { engine.take_source(&key).await });
    let taken = work.await?;
    Ok(call.operated(format!("{} took its master", taken.key), &taken))
}

async fn make_co_primary(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "make-co-master").await?;
    let work = call
        .engine
        .detached("make co-master", move |engine| async move { engine.make_co_primary(&key).await });
    let made = work.await?;
    Ok(call.operated(format!("Instance made co-master: {}", made.key), &made))
}

async fn candidate(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let candidate = call.engine.candidate_replica(&key)?;
    Ok(Reply::about("candidate replica", &candidate))
}

async fn take_siblings(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "take-siblings").await?;
    let work =
        call.engine.detached("take siblings", move |engine| async move { engine.take_siblings(&key).await });
    let (instance, moved) = work.await?;
    tell_errors(call, &moved.errors);
    let message = format!("Took {} siblings of {}", moved.moved.len(), instance.key);
    Ok(call.operated(message, &instance))
}

async fn relocate_replicas(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, below) = targets(call, "relocate-replicas").await?;
    let only = chosen(call, &key);
    let (of, to) = (key.clone(), below.clone());
    let work = call.engine.detached("relocate replicas", move |engine| async move {
        engine.relocate_replicas(&of, &to, only.as_ref()).await
    });
    let moved = work.await?;
    Ok(many(call, &format!("Relocated {{}} replicas of {key} below {below}"), &moved))
}

async fn move_replicas_gtid(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, below) = targets(call, "move-replicas-gtid").await?;
    let only = chosen(call, &key);
    let (of, to) = (key.clone(), below.clone());
    let work = call.engine.detached("move replicas by GTID", move |engine| async move {
        engine.move_replicas_gtid(&of, &to, only.as_ref()).await
    });
    let moved = work.await?;
    tell_errors(call, &moved.errors);
    let message = format!(
        "Moved {} replicas of {key} below {below} via GTID; {} errors: [{}]",
        moved.moved.len(),
        moved.errors.len(),
        moved.errors.join(" ")
    );
    let lines: Vec<String> = moved.moved.iter().map(|replica| replica.key.to_string()).collect();
    Ok(Reply::about(message, &below).printing(lines))
}

async fn move_up_replicas(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "move-up-replicas").await?;
    let only = chosen(call, &key);
    let of = key.clone();
    let work = call.engine.detached("move up replicas", move |engine| async move {
        engine.move_up_replicas(&of, only.as_ref()).await
    });
    let moved = work.await?;
    Ok(many(call, &format!("Moved up {{}} replicas of {key} below {key}"), &moved))
}

async fn repoint_replicas(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = target(call, "repoint-replicas").await?;
    let below = call.destination().await?;
    let only = chosen(call, &key);
    let of = key.clone();
    let work = call.engine.detached("repoint replicas", move |engine| async move {
        engine.repoint_replicas(&of, below.as_ref(), only.as_ref()).await
    });
    let moved = work.await?;
    tell_errors(call, &moved.errors);
    let message = format!("Repointed {} replicas of {key}", moved.moved.len());
    let lines: Vec<String> = moved.moved.iter().map(|replica| replica_below(replica, &key)).collect();
    Ok(Reply::envelope(message, call.instances_json(&call.engine.fleet(), &moved.moved)).printing(lines))
}

async fn regroup(call: &Call<'_>, by_gtid: bool) -> Result<Reply, Failure> {
    let key = call.known().await?.key.clone();
    refuse_dry_run(call, "regroup-replicas", &key)?;
    let of = key.clone();
    let work = call
        .engine
        .detached("regroup replicas", move |engine| async move { engine.regroup_replicas(&of).await });
    let regrouped = work.await.map_err(|error| match call.is_command() {
        true => Failure::refused(format!("Could not regroup replicas of {key}; error: {error}")),
        false => Failure::from(error),
    })?;
    let lost: Vec<String> = regrouped.lost.iter().map(|(key, why)| format!("{key}: {why}")).collect();
    tell_errors(call, &lost);
    let counts = counts(&regrouped, by_gtid);
    let candidate = &regrouped.candidate.key;
    // The choice is told where there was one.
    let is_alone = !by_gtid && regrouped.moved.is_empty() && regrouped.lost.is_empty();
    let chosen = (!is_alone).then(|| candidate.to_string());
    Ok(Reply::about(format!("promoted replica: {candidate}, {counts}"), candidate)
        .printing(chosen.into_iter().chain([format!("{candidate} {counts}")])))
}

fn counts(regrouped: &Regrouped, by_gtid: bool) -> String {
    let (lost, moved) = (regrouped.lost.len(), regrouped.moved.len());
    if by_gtid {
        format!("lost: {lost}, moved: {moved}")
    } else {
        format!("lost: {lost}, trivial: 0, pseudo-gtid: {moved}")
    }
}

/// An answer about several replicas; `{}` in the message is their number.
fn many(call: &Call<'_>, message: &str, moved: &Moved) -> Reply {
    tell_errors(call, &moved.errors);
    let message = format!(
        "{}; {} errors: [{}]",
        message.replacen("{}", &moved.moved.len().to_string(), 1),
        moved.errors.len(),
        moved.errors.join(" ")
    );
    let lines: Vec<String> = moved.moved.iter().map(|replica| replica.key.to_string()).collect();
    Reply::envelope(message, call.instances_json(&call.engine.fleet(), &moved.moved)).printing(lines)
}

/// On the command line what went wrong with single replicas goes to the log; the answer holds it otherwise.
pub(super) fn tell_errors(call: &Call<'_>, errors: &[String]) {
    if call.is_command() {
        for text in errors {
            error!("{text}");
        }
    }
}

/// The replicas that a pattern chooses; all when none was given. A pattern that cannot be read chooses nothing.
fn chosen(call: &Call<'_>, key: &InstanceKey) -> Option<BTreeSet<InstanceKey>> {
    let pattern = call.args.text(Param::Pattern)?;
    let Ok(regex) = regex::Regex::new(pattern) else { return Some(BTreeSet::new()) };
    let fleet = call.engine.fleet();
    let replicas = fleet.replicas_of(key).map(|replica| replica.key.clone());
    Some(replicas.filter(|key| regex.is_match(&key.to_string())).collect())
}

async fn target(call: &Call<'_>, operation: &str) -> Result<InstanceKey, Failure> {
    let key = call.figured_key().await?;
    refuse_dry_run(call, operation, &key)?;
    Ok(key)
}

async fn targets(call: &Call<'_>, operation: &str) -> Result<(InstanceKey, InstanceKey), Failure> {
    let key = call.figured_key().await?;
    let below = destination(call, "Cannot deduce destination: ").await?;
    refuse_dry_run(call, operation, &key)?;
    Ok((key, below))
}

async fn destination(call: &Call<'_>, missing: &str) -> Result<InstanceKey, Failure> {
    call.destination().await?.ok_or_else(|| Failure::input(missing))
}

/// Nothing is changed in a dry run.
pub(super) fn refuse_dry_run(call: &Call<'_>, operation: &str, key: &InstanceKey) -> Result<(), Failure> {
    if call.engine.identity().noop {
        return Err(Failure::refused(format!(
            "noop: aborting {operation} operation on {key}; signalling error but nothing went wrong."
        )));
    }
    Ok(())
}
