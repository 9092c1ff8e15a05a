//! When the faults have ended, every cluster comes to rest: one writable primary, published, with every other server
//! replicating below it, or in one of the degraded states listed here.

use model::{InstanceKey, Recovery};

use super::super::server::{Receiver, SimServer};
use super::super::world::World;

const NAME: &str = "convergence";

/// Degraded states in which a server, or a whole cluster, may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Degraded {
    /// A server that failed and was replaced, or was left behind: it is downtimed as lost.
    LostInRecovery,
    /// It, or what it replicates from, has transactions that the other lost in a crash: replication cannot go on.
    Diverged,
    /// It replicates from a server that was lost or has diverged: what is below that stands apart with it.
    BelowLost,
    /// It replicates from a dead intermediate primary. This version has no recovery for that.
    BelowDeadIntermediate,
    /// The primary is dead for good and nobody could be promoted; the record says why.
    NoPrimary,
    /// A MariaDB replica that could not apply its relay log in time: its receiver stays stopped, because starting it
    /// would throw the relay log away. The record says so.
    StoppedToKeepRelayLog,
    /// The chosen server died in the middle of its promotion, for longer than orchestrator tried: it, and what was put
    /// below it, stand apart. The record says so.
    HalfPromoted,
    /// The primary restarted read-only by its own configuration.
    ConfiguredReadOnly,
}

impl World {
    /// Why the world is not at rest; empty when it is. Degraded states are added to `degraded`.
    pub(in super::super) fn unrest(&self, degraded: &mut Vec<Degraded>) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.backend.recoveries.iter().any(|recovery| self.is_unfinished(recovery))
            && !self.orchestrator.is_noop
        {
            reasons.push("a recovery is unfinished".to_owned());
        }
        for cluster in 0..self.clusters.len() {
            let primary = self.published(cluster);
            self.judge_primary(primary, degraded, &mut reasons);
            for member in &self.clusters[cluster].members {
                let server = &self.servers[*member];
                if *member == primary || server.is_lost {
                    continue;
                }
                match self.judge_member(server, primary) {
                    Ok(None) => {}
                    Ok(Some(state)) => degraded.push(state),
                    Err(reason) => reasons.push(reason),
                }
            }
        }
        reasons
    }

    /// One that only waits for a server to return that never will may go on waiting.
    fn is_unfinished(&self, recovery: &Recovery) -> bool {
        // The steps tell it too, when the backend failed at the moment in which it was to be recorded.
        let is_told = |step: &model::RecoveryStep| {
            step.recovery_uid == recovery.uid
                && ["plan release:", "release goes on"].iter().any(|begin| step.message.starts_with(begin))
        };
        let is_releasing =
            self.backend.journals.get(&recovery.uid).is_some_and(|(state, _)| state == "releasing")
                || self.backend.steps.iter().any(is_told);
        let is_lost = |key: &InstanceKey| self.find(key).is_some_and(|server| self.servers[server].is_lost);
        let waits_in_vain =
            is_releasing && recovery.case.replicas.iter().chain([&recovery.case.key]).any(is_lost);
        recovery.end.is_none() && !waits_in_vain
    }

    fn judge_primary(&self, primary: usize, degraded: &mut Vec<Degraded>, reasons: &mut Vec<String>) {
        let server = &self.servers[primary];
        let name = self.name(primary);
        if server.is_lost {
            let is_explained =
                self.has_failure_on_record(primary) || self.replicas_of(&server.key).is_empty();
            if is_explained || self.is_blocked(primary) || self.backend.are_recoveries_disabled() {
                degraded.push(Degraded::NoPrimary);
            } else {
                reasons.push(format!(
                    "{name} is dead and published, and nothing on record says why nobody replaced it"
                ));
            }
        } else if !server.is_up() {
            reasons.push(format!("{name} is published and does not run"));
        } else if server.channel.source.is_some() {
            reasons.push(format!("{name} is published and replicates from another server"));
        } else if server.read_only && !server.closed_by_orchestrator && server.nature.starts_read_only {
            degraded.push(Degraded::ConfiguredReadOnly);
        } else if server.read_only {
            reasons.push(format!("{name} is published and read-only"));
        }
    }

    fn has_failure_on_record(&self, failed: usize) -> bool {
        let key = &self.servers[failed].key;
        self.backend.recoveries.iter().any(|recovery| recovery.case.key == *key && !recovery.is_successful)
    }

    fn is_blocked(&self, failed: usize) -> bool {
        let cluster = self.servers[failed].cluster;
        self.backend.recoveries.iter().any(|recovery| {
            recovery.in_active_period
                && self.find(&recovery.case.key).is_some_and(|other| self.servers[other].cluster == cluster)
        })
    }

    /// A server between a replica and the primary is not well itself.
    fn is_apart(&self, source: usize, primary: usize) -> bool {
        let mut at = Some(source);
        for _ in 0..self.servers.len() {
            match at {
                Some(between) if between == primary => return false,
                Some(between) if !matches!(self.judge_alone(&self.servers[between], primary), Ok(None)) => {
                    return true;
                }
                Some(between) => {
                    let above = self.servers[between].channel.source.as_ref();
                    at = above.and_then(|key| self.find(key));
                }
                None => return true,
            }
        }
        true
    }

    fn judge_member(&self, server: &SimServer, primary: usize) -> Result<Option<Degraded>, String> {
        if let Some(state) = self.judge_alone(server, primary)? {
            return Ok(Some(state));
        }
        let name = server.key.hostname();
        let source = server.channel.source.as_ref().and_then(|key| self.find(key));
        if source.is_none_or(|source| self.is_apart(source, primary)) {
            return Ok(Some(Degraded::BelowLost));
        }
        let lacks = self.servers[primary].executed.beyond(&server.executed);
        if !lacks.is_empty() && server.nature.delay_seconds == 0 {
            let is_diverged =
                self.servers.iter().any(|other| other.cluster == server.cluster && other.lost_tail);
            return if is_diverged {
                Ok(Some(Degraded::Diverged))
            } else {
                Err(format!("{name} lacks {} transactions of its primary", lacks.len()))
            };
        }
        Ok(None)
    }

    /// By what is true of the server itself, and not of those above it.
    fn judge_alone(&self, server: &SimServer, primary: usize) -> Result<Option<Degraded>, String> {
        let name = server.key.hostname();
        if !server.is_up() {
            return Err(format!("{name} does not run"));
        }
        let is_open = server.is_writable() && server.channel.source.is_none();
        if is_open && self.was_replaced(server.number) && self.servers[primary].is_writable() {
            return Err(format!("{name} was replaced and accepts writes beside its successor"));
        }
        if self.backend.lost_in_recovery(&server.key) || self.was_lost(server) {
            return Ok(Some(Degraded::LostInRecovery));
        }
        let above = server.channel.source.as_ref().unwrap_or(&server.key);
        if above.hostname() != self.name(primary) && self.is_half_promoted(above) {
            return Ok(Some(Degraded::HalfPromoted));
        }
        let Some(source_key) = &server.channel.source else {
            return Err(format!("{name} replicates from nobody"));
        };
        let Some(source) = self.find(source_key) else {
            return Err(format!("{name} replicates from {source_key}, which is nobody"));
        };
        if self.was_replaced(source) && source != primary {
            if self.servers[primary].is_lost {
                // There is nobody to follow: the successor is dead for good.
                return Ok(Some(Degraded::NoPrimary));
            }
            return Err(format!("{name} was left below {source_key}, which was replaced"));
        }
        match server.channel.receiver {
            Receiver::Stopped if server.is_mariadb() && self.could_not_drain(server) => {
                return Ok(Some(Degraded::StoppedToKeepRelayLog));
            }
            Receiver::Stopped if server.channel.stopped_by_orchestrator => {
                return Err(format!("orchestrator stopped the receiver of {name} and left it so"));
            }
            Receiver::Stopped if server.channel.receiver_errno != 0 => return Ok(Some(Degraded::Diverged)),
            Receiver::Stopped => return Err(format!("the receiver of {name} is stopped")),
            Receiver::Connecting { .. } if self.servers[source].is_lost && source == primary => {
                return Ok(Some(Degraded::NoPrimary));
            }
            Receiver::Connecting { .. } if self.servers[source].is_lost => {
                return Ok(Some(Degraded::BelowDeadIntermediate));
            }
            Receiver::Connecting { .. } => return Err(format!("{name} does not reach its source")),
            Receiver::Running { .. } => {}
        }
        if !server.channel.applier_runs {
            return Err(format!("the applier of {name} is stopped"));
        }
        Ok(None)
    }

    /// The promotion of a server was given up for a reason that orchestrator could not help: it did not answer, or the
    /// right to act was gone.
    fn is_half_promoted(&self, key: &InstanceKey) -> bool {
        let begun = format!("{key}, whose promotion had begun");
        let is_noted = |recovery: &Recovery| {
            let text = recovery.errors.join("; ");
            text.contains(&format!("{begun}, cannot be read"))
                || (text.contains(&begun) && text.contains("in the middle of the promotion"))
        };
        self.backend.recoveries.iter().any(|recovery| !recovery.is_successful && is_noted(recovery))
    }

    fn could_not_drain(&self, server: &SimServer) -> bool {
        let text = format!("{}: could not wait until", server.key);
        self.backend.steps.iter().any(|step| step.message.contains(&text))
    }

    fn was_replaced(&self, server: usize) -> bool {
        let key = &self.servers[server].key;
        self.backend.recoveries.iter().any(|recovery| recovery.case.key == *key && recovery.is_successful)
    }

    fn was_lost(&self, server: &SimServer) -> bool {
        let is_failed = self.was_replaced(server.number);
        is_failed
            || self.backend.recoveries.iter().any(|recovery| recovery.lost_replicas.contains(&server.key))
    }

    /// At the end.
    pub(in super::super) fn check_convergence(&mut self) {
        for reason in self.unrest(&mut Vec::new()) {
            self.violate(NAME, reason);
        }
    }
}
