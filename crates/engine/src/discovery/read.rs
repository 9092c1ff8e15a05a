//! One read of one server: ask it, place it in its cluster, put it into the fleet, queue the row, name who is next.
//!
//! A failed read never blanks what is known: it only moves the check columns.

use std::sync::Arc;
use std::time::Duration;

use model::{CheckFailure, FailedCheck, Instance, InstanceKey, Observation, ReadProgress, Timestamp};
use ports::{Deadline, ErrorClass, InstanceWrite, ProbeError, ProbeRequest};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::siblings::has_stopped;
use super::stillness::ReadTime;
use crate::Engine;
use crate::samples::DiscoverySample;

/// Why a read brought no instance.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The key cannot be connected to.
    #[error("ReadTopologyInstance will not act on invalid instance key: {0}")]
    InvalidKey(InstanceKey),
    /// Forgotten a moment ago; it may be discovered again when the forget period has passed.
    #[error("{0} was forgotten a moment ago and is not read again yet")]
    Forgotten(InstanceKey),
    /// Excluded by a filter.
    #[error("Host {key} is excluded from discovery by {setting}.")]
    Filtered {
        /// The server.
        key: InstanceKey,
        /// The setting that excludes it.
        setting: &'static str,
    },
    /// The server did not answer as it should.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

impl Engine {
    /// Reads a server now, whatever was read before, and returns it as the fleet has it afterwards.
    ///
    /// # Errors
    /// See [`ReadError`]. The fleet then holds the old facts and knows that the check failed.
    pub async fn read_instance(
        &self,
        key: &InstanceKey,
        deadline: Deadline,
    ) -> Result<Arc<Instance>, ReadError> {
        let key = self.resolve_key(key).await;
        self.admit_read(&key)?;
        let request = self.probe_request(&key);
        let (at, began) = (self.now(), Instant::now());
        self.metrics().discoveries_attempt.increment();
        let answer = {
            let probe = self.inner.ports.servers.probe(&key, &request, deadline);
            tokio::pin!(probe);
            let slow = self.compiled().reasonable_check;
            match tokio::time::timeout(slow, &mut probe).await {
                Ok(answer) => answer,
                Err(_elapsed) => {
                    self.note_slow_read(&key);
                    probe.await
                }
            }
        };
        let time = ReadTime { began, ended: Instant::now() };
        let took = time.ended.duration_since(began);
        self.metrics().observe_probe(took);
        if took > self.compiled().analysis.poll {
            self.metrics().discoveries_slow.increment();
        }
        let error = answer.as_ref().err().map(ToString::to_string);
        let result = match answer {
            Ok(observation) => {
                self.note_alive(&key);
                Ok(self.record_observation(&key, observation, time).await)
            }
            Err(error) => {
                self.record_failure(&key, &error);
                Err(ReadError::Probe(error))
            }
        };
        let total = began.elapsed();
        let backend = total.saturating_sub(took);
        self.note_discovery(DiscoverySample { at, key, backend, instance: took, total, error });
        result
    }

    /// Refuses keys that must not be read.
    fn admit_read(&self, key: &InstanceKey) -> Result<(), ReadError> {
        if !key.is_valid() {
            return Err(ReadError::InvalidKey(key.clone()));
        }
        if self.is_forgotten(key) {
            return Err(ReadError::Forgotten(key.clone()));
        }
        Ok(())
    }

    pub(crate) fn probe_request(&self, key: &InstanceKey) -> ProbeRequest {
        let fleet = self.fleet();
        let known = fleet.get(key);
        ProbeRequest {
            cluster_name: known.map(|instance| instance.cluster_name.clone()).unwrap_or_default(),
            ask_cluster_alias: known.is_none_or(|instance| {
                instance.depth == 0 || instance.is_co_primary || instance.suggested_cluster_alias.is_empty()
            }),
            ask_cluster_domain: known.is_none_or(|instance| instance.depth == 0),
        }
    }

    /// The read is still running after `ReasonableInstanceCheckSeconds`: the server may hang. The attempt is put on
    /// record, its replicas are read and the analysis is redone.
    fn note_slow_read(&self, key: &InstanceKey) {
        let now = self.now();
        let known =
            self.fleet_mut().update(key, |instance| instance.last_attempted_check = Some(now)).is_some();
        if !known {
            return;
        }
        let write =
            InstanceWrite::CheckFailed { key: key.clone(), checked: None, attempted: now, partial: false };
        self.write_behind(key.clone(), write, true);
        debug!(instance = %key, "a read takes longer than ReasonableInstanceCheckSeconds");
        self.inner.analysis_requests.add(key.clone());
    }

    async fn record_observation(
        &self,
        asked: &InstanceKey,
        observation: Observation,
        time: ReadTime,
    ) -> Arc<Instance> {
        if !observation.incomplete.is_empty() {
            debug!(instance = %asked, statements = ?observation.incomplete, "some statements failed");
        }
        let (mut instance, detected) = self.settle_names(asked, observation).await;
        let now = self.now();
        instance.last_discovery_latency = time.ended.duration_since(time.began);
        instance.last_checked = Some(now);
        instance.last_attempted_check = Some(now);
        instance.last_seen = Some(now);
        instance.last_check_partial_success = true;
        let key = instance.key.clone();

        let current = {
            let fleet = self.fleet();
            let domain = self.place(&fleet, &mut instance, &detected);
            let former = fleet.get(&key).map(AsRef::as_ref);
            // A position that was not told is not forgotten.
            if let Some(former) =
                former.filter(|_| instance.log_bin && instance.self_coordinates.file.is_empty())
            {
                instance.self_coordinates = former.self_coordinates.clone();
            }
            self.inner.stillness.observe(former, &mut instance, time);
            (Arc::new(instance), domain)
        };
        let (current, domain) = current;
        let former = {
            let mut fleet = self.fleet_mut();
            fleet.failed_checks.remove(&key);
            if current.read_only {
                fleet.failed_writes.remove(&key);
            }
            fleet.insert_shared(current.clone())
        };
        if let Some(rule) = detected.promotion_rule {
            self.refresh_promotion_rule(&key, rule, now).await;
        }
        if let Some(domain) = domain {
            self.refresh_cluster_domain(&current.cluster_name, domain, now).await;
        }
        let has_changed = self.request_analysis_if_changed(former.as_deref(), &current);
        self.write_observed_behind(current.clone(), time.began, has_changed);
        if former.is_none() {
            info!(instance = %key, cluster = %current.cluster_name, "discovered");
            // Whoever read it: it is polled from now on.
            self.inner.newcomers.add(key.clone());
        }
        self.request_neighbours(&current);
        current
    }

    /// Redoes the analysis where a fact that analyses look at has changed; whether one has.
    fn request_analysis_if_changed(&self, former: Option<&Instance>, current: &Instance) -> bool {
        let changed = former.is_none_or(|former| {
            !former.is_last_check_valid()
                || former.read_only != current.read_only
                || former.primary_key != current.primary_key
                || former.replication.io_thread != current.replication.io_thread
                || former.replication.sql_thread != current.replication.sql_thread
                || former.semi_sync != current.semi_sync
        });
        if changed {
            self.inner.analysis_requests.add(current.key.clone());
            if current.primary_key.is_valid() {
                self.inner.analysis_requests.add(current.primary_key.clone());
            }
        }
        if former.is_some_and(|former| has_stopped(former, current)) {
            self.look_around(current);
        }
        changed
    }

    /// Servers that this one names and that are not known yet are read soon.
    fn request_neighbours(&self, instance: &Instance) {
        let compiled = self.compiled();
        let fleet = self.fleet();
        let below = instance.group.members.iter().chain(&instance.replicas);
        let unknown: Vec<InstanceKey> = below
            .filter(|key| !compiled.ignores_replica(key))
            .chain(Some(&instance.primary_key).filter(|key| key.is_valid() && !compiled.ignores_primary(key)))
            .filter(|key| key.is_valid() && fleet.get(key).is_none())
            .cloned()
            .collect();
        drop(fleet);
        for key in unknown {
            self.inner.read_requests.add(key);
        }
    }

    fn record_failure(&self, key: &InstanceKey, error: &ProbeError) {
        let compiled = self.compiled();
        if error.skipped_by_filter {
            if compiled.settings.discovery.filter_logs {
                info!(instance = %key, "left out by DiscoveryIgnoreReplicationUsernameFilters");
            }
            return;
        }
        self.metrics().discoveries_fail.increment();
        if error.progress == ReadProgress::Nothing && is_connection_failure(error.class) {
            let is_new = !self.inner.dead.contains(key);
            self.inner.dead.register(key, compiled.backoff);
            self.metrics().dead_instances.set(self.inner.dead.len() as u64);
            if is_new && compiled.settings.discovery.dead_logs {
                debug!(instance = %key, "found dead; polled with the dead ones");
            }
        }
        let now = self.moment_of_failure(key);
        let partial = error.progress == ReadProgress::BasicVariables;
        let was_valid = self.mark_check_failed(key, now, partial);
        if was_valid.is_some() {
            let failure = check_failure(error.class, error.number);
            let failed = FailedCheck { at: now, failure, number: error.number };
            self.fleet_mut().failed_checks.insert(key.clone(), failed);
        }
        match was_valid {
            Some(true) => {
                warn!(instance = %key, class = ?error.class, error = %error, "cannot read a server any more")
            }
            Some(false) | None => {
                debug!(instance = %key, class = ?error.class, error = %error, "cannot read a server")
            }
        }
        let write =
            InstanceWrite::CheckFailed { key: key.clone(), checked: Some(now), attempted: now, partial };
        self.write_behind(key.clone(), write, was_valid == Some(true));
        self.inner.analysis_requests.add(key.clone());
        let broken = self.fleet().get(key).cloned().filter(|_| was_valid == Some(true));
        if let Some(replica) = broken.filter(|server| server.primary_key.is_valid()) {
            // What its source is, depends on it too.
            self.inner.analysis_requests.add(replica.primary_key.clone());
            self.look_around(&replica);
        }
    }

    /// Now; or just after the last success, if the clock was set back since: a check that failed later must not look
    /// like one before it.
    fn moment_of_failure(&self, key: &InstanceKey) -> Timestamp {
        let last_seen = self.fleet().get(key).and_then(|known| known.last_seen);
        let after = last_seen.map(|seen| seen + Duration::from_micros(1));
        after.map_or(self.now(), |after| after.max(self.now()))
    }

    /// The server answers: it is polled with the others.
    fn note_alive(&self, key: &InstanceKey) {
        if !self.inner.dead.contains(key) {
            return;
        }
        self.inner.dead.unregister(key);
        self.metrics().dead_instances.set(self.inner.dead.len() as u64);
        if self.compiled().settings.discovery.dead_logs {
            debug!(instance = %key, "found alive again; polled with the others");
        }
    }

    /// Moves the check columns of a known server. Returns whether its check was valid before; `None` when unknown.
    fn mark_check_failed(&self, key: &InstanceKey, now: Timestamp, partial: bool) -> Option<bool> {
        let mut was_valid = false;
        self.fleet_mut().update(key, |instance| {
            was_valid = instance.is_last_check_valid();
            instance.last_checked = Some(now);
            instance.last_attempted_check = Some(now);
            instance.last_check_partial_success = partial;
        })?;
        Some(was_valid)
    }

    /// A server was forgotten less than three poll intervals ago.
    pub(crate) fn is_forgotten(&self, key: &InstanceKey) -> bool {
        let period = self.compiled().analysis.poll * 3;
        let mut forgotten = self.inner.forgotten.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        forgotten.retain(|_, at| at.elapsed() < period);
        forgotten.contains_key(key)
    }
}

/// Failures that say nothing answers there. A server that refuses the user or has no connection left is alive, but
/// cannot be read either: it is polled at the ordinary pace.
fn is_connection_failure(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Refused | ErrorClass::Connection | ErrorClass::TimedOut | ErrorClass::Unanswered => true,
        ErrorClass::AccessDenied
        | ErrorClass::TooManyConnections
        | ErrorClass::Server
        | ErrorClass::Protocol
        | ErrorClass::Rejected => false,
    }
}

/// How a check or a trial write failed, by its class and number.
pub(crate) fn check_failure(class: ErrorClass, number: Option<u16>) -> CheckFailure {
    if number.is_some_and(|number| model::is_disk_full(number.into())) {
        return CheckFailure::DiskFull;
    }
    match class {
        ErrorClass::Refused => CheckFailure::Refused,
        ErrorClass::Connection => CheckFailure::Broken,
        ErrorClass::TimedOut => CheckFailure::Silent,
        ErrorClass::Unanswered => CheckFailure::Unanswered,
        ErrorClass::TooManyConnections => CheckFailure::ConnectionLimit,
        ErrorClass::AccessDenied => CheckFailure::AccessDenied,
        ErrorClass::Server | ErrorClass::Protocol | ErrorClass::Rejected => CheckFailure::Other,
    }
}
