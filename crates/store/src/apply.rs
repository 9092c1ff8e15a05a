//! The state machine: what each command does to the tables. Called inside one transaction per command.

use std::time::Duration;

use model::{Command, CommandOutcome, Retention, Timestamp};

use crate::instances;
use crate::sql::{self, Db, count};
use crate::tables::maintenance::Lock;
use crate::tables::periods::{self, Periods};
use crate::tables::recoveries::{self, Resolution};
use crate::tables::{
    agents, analysis, annotations, attributes, audit, blocked, clusters, detections, equivalences, journal,
    maintenance, names, nodes, others, pools, seeds, snapshots, stale_coordinates, steps, tokens,
};

/// Applies a command. Nothing is read but the tables and the command: the same commands in the same order make the
/// same rows everywhere.
pub(crate) fn apply(db: &Db<'_>, command: &Command) -> sql::Result<CommandOutcome> {
    let done = |()| CommandOutcome::Done;
    match command {
        Command::BeginDowntime(downtime) => annotations::begin_downtime(db, downtime).map(done),
        Command::EndDowntime(key) => annotations::end_downtime(db, key).map(CommandOutcome::Existed),
        Command::BeginMaintenance { key, owner, reason, begin, end, explicitly_bounded, node } => {
            let (begin, end, explicitly_bounded) = (*begin, *end, *explicitly_bounded);
            maintenance::begin(db, &Lock { key, owner, reason, begin, end, explicitly_bounded, node })
                .map(CommandOutcome::Inserted)
        }
        Command::EndMaintenance { key, at } => maintenance::end(db, key, *at).map(CommandOutcome::Existed),
        Command::RegisterCandidate(candidate) => annotations::register_candidate(db, candidate).map(done),
        Command::ForgetInstance(key) => instances::forget(db, key).map(CommandOutcome::Existed),
        Command::ForgetCluster(name) => instances::forget_cluster(db, name).map(changed),
        Command::SetClusterAlias { cluster_name, alias, at } => {
            clusters::set_alias(db, cluster_name, alias, *at).map(done)
        }
        Command::SetClusterAliasOverride { cluster_name, alias } => {
            clusters::set_override(db, cluster_name, alias).map(done)
        }
        Command::SetClusterDomain { cluster_name, domain, at } => {
            clusters::set_domain(db, cluster_name, domain, *at).map(done)
        }
        Command::SetResolved { hostname, resolved, at } => {
            names::set_resolved(db, hostname, resolved, *at).map(done)
        }
        Command::SetUnresolved { hostname, unresolved, at } => {
            names::set_unresolved(db, hostname, unresolved, *at).map(done)
        }
        Command::DisableRecoveries(is_disabled) => recoveries::disable(db, *is_disabled).map(done),
        Command::RegisterDetection { case, is_actionable, node, at } => {
            detections::register(db, case, *is_actionable, node, *at).map(CommandOutcome::Inserted)
        }
        Command::ClearDetections { key, at } => detections::clear(db, key, *at).map(done),
        Command::RegisterRecovery { uid, case, node, at } => {
            recoveries::register(db, uid, case, node, *at).map(CommandOutcome::Inserted)
        }
        Command::ResolveRecovery {
            uid,
            is_successful,
            successor,
            successor_alias,
            lost_replicas,
            participating,
            errors,
            at,
        } => {
            let (is_successful, successor, at) = (*is_successful, successor.as_ref(), *at);
            let resolution = Resolution {
                uid,
                is_successful,
                successor,
                successor_alias,
                lost_replicas,
                participating,
                errors,
                at,
            };
            recoveries::resolve(db, &resolution).map(done)
        }
        Command::JournalRecovery { uid, state, plan, at } => {
            journal::save(db, uid, state, plan, *at).map(done)
        }
        Command::WriteRecoveryStep { uid, at, message } => steps::add(db, uid, *at, message).map(done),
        Command::AcknowledgeRecoveries { scope, owner, comment, at } => {
            recoveries::acknowledge(db, scope, owner, comment, *at).map(changed)
        }
        Command::AcknowledgeCrashed { at } => recoveries::acknowledge_crashed(db, *at).map(changed),
        Command::WriteBlockedRecovery { case, blocking_recovery_id, at } => {
            blocked::write(db, case, *blocking_recovery_id, *at).map(done)
        }
        Command::WriteAudit(record) => audit::add(db, record).map(done),
        Command::WriteAnalysis { key, analysis: code, at } => analysis::write(db, key, code, *at).map(done),
        Command::WriteStaleCoordinates { key, coordinates, at } => {
            stale_coordinates::put(db, key, coordinates, *at).map(done)
        }
        Command::RenameCluster { from, to, alias, at } => {
            clusters::rename(db, from, to, alias, *at).map(done)
        }
        Command::SetAttribute { hostname, name, value, at } => {
            attributes::set(db, hostname, name, value, *at).map(done)
        }
        Command::PutKeyValues { pairs, at } => attributes::put(db, pairs, *at).map(done),
        Command::PutTag { key, tag, at } => annotations::put_tag(db, key, tag, *at).map(done),
        Command::DeleteTag { key, name } => {
            annotations::delete_tag(db, key, name).map(CommandOutcome::Existed)
        }
        Command::SubmitPool { pool, members, at } => pools::submit(db, pool, members, *at).map(done),
        Command::SnapshotTopologies { at } => snapshots::take(db, *at).map(changed),
        Command::RecordEquivalence { one, one_at, other, other_at, at } => {
            equivalences::record(db, (one, one_at), (other, other_at), *at).map(done)
        }
        Command::IssueAccessToken { public, secret, owner, at } => {
            tokens::issue(db, public, secret, owner, *at).map(done)
        }
        Command::RedeemAccessToken { public, issued_since, at } => {
            tokens::redeem(db, public, *issued_since, *at).map(CommandOutcome::Existed)
        }
        Command::ForgetResolved => names::forget_resolved(db).map(done),
        Command::RegisterNode { node, version, backend, app, at } => {
            nodes::register(db, node, version, backend, app, *at).map(done)
        }
        Command::RegisterAgent { hostname, port, token, at } => {
            agents::register(db, hostname, *port, token, *at).map(done)
        }
        Command::ClaimAgentPoll { hostname, unless_since, at } => {
            agents::claim(db, hostname, *unless_since, *at).map(CommandOutcome::Existed)
        }
        Command::NoteAgentSeen { hostname, mysql_port, snapshots, at } => {
            agents::note_seen(db, hostname, *mysql_port, *snapshots, *at).map(done)
        }
        Command::ForgetAgents { submitted_before } => agents::forget(db, *submitted_before).map(changed),
        Command::BeginSeed { target, source, at } => {
            seeds::begin(db, target, source, *at).map(CommandOutcome::Inserted)
        }
        Command::AddSeedState { seed, action, at } => {
            seeds::add_state(db, *seed, action, *at).map(CommandOutcome::Inserted)
        }
        Command::FailSeedState { state, error } => seeds::fail_state(db, *state, error).map(done),
        Command::EndSeed { seed, is_successful, at } => {
            seeds::end(db, *seed, *is_successful, *at).map(CommandOutcome::Existed)
        }
        Command::FailStaleSeeds { since, at } => seeds::fail_stale(db, *since, *at).map(changed),
        Command::EndPeriods { detection_active, recovery_active, at } => {
            end_periods(db, (*detection_active, *recovery_active), *at).map(changed)
        }
        Command::Expire { retention, at } => expire(db, retention, *at).map(changed),
    }
}

fn changed(rows: usize) -> CommandOutcome {
    CommandOutcome::Count(count(rows))
}

/// Ends the active periods of detections and recoveries, which last so long, and deletes refusals that are over.
fn end_periods(
    db: &Db<'_>,
    (detections, recoveries): (Duration, Duration),
    at: Timestamp,
) -> sql::Result<usize> {
    Ok(periods::close_expired(db, Periods::Detections, at - detections, at)?
        + periods::close_expired(db, Periods::Recoveries, at - recoveries, at)?
        + blocked::expire(db, at)?)
}

/// Ends what has lasted long enough and deletes what is old enough. Processes that are gone come first, because locks
/// depend on them; recoveries before their steps and journal, which stay as long as the recovery does.
fn expire(db: &Db<'_>, retention: &Retention, at: Timestamp) -> sql::Result<usize> {
    let unseen = at - retention.unseen_instance;
    let audited = at - retention.audit;
    let resolved = at - retention.resolve;
    let counts = [
        nodes::expire(db, at)?,
        maintenance::expire(db, at)?,
        annotations::expire_downtimes(db, at)?,
        annotations::expire_candidates(db, at - retention.candidate)?,
        end_periods(db, (retention.detection_active, retention.recovery_active), at)?,
        detections::expire(db, audited)?,
        recoveries::expire(db, audited)?,
        steps::expire(db, audited)?,
        journal::expire(db, audited)?,
        audit::expire(db, audited)?,
        instances::expire(db, unseen)?,
        analysis::expire(db, unseen)?,
        clusters::expire_aliases(db, unseen)?,
        nodes::expire_history(db, unseen)?,
        equivalences::expire(db, unseen)?,
        clusters::expire_domains(db, resolved)?,
        names::expire_unresolved(db, resolved)?,
        names::expire_resolved(db, resolved - retention.resolve)?,
        stale_coordinates::expire(db, at - retention.stale_coordinates)?,
        pools::expire(db, at - retention.pool)?,
        tokens::expire(db, at - retention.access_token)?,
        snapshots::expire(db, unseen)?,
        others::expire_short_lived(db, at)?,
    ];
    Ok(counts.into_iter().sum())
}
