//! What is done periodically: node registration, downtime of servers that came back, expiry, foreign changes of the
//! backend.

use std::sync::PoisonError;
use std::time::Duration;

use model::{Command, Downtime, Instance, InstanceKey, Retention};
use ports::StoreError;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::Engine;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE_SECONDS: u64 = 60;
/// A server that was lost and is well again leaves its downtime after this.
const LOST_DOWNTIME_MIN: Duration = Duration::from_secs(60);

/// How long the backend may take to tell what others changed when something is about to be done.
const ADOPTION_MAX: Duration = Duration::from_millis(100);

/// Ticks that are late put off those that follow.
fn each_second() -> Interval {
    let mut tick = interval(SECOND);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

/// Somebody read the server after us and saw something else: a command moved it, for one. It is worth a look at once.
fn was_changed(known: &Instance, stored: &Instance) -> bool {
    let facts = |instance: &Instance| {
        (
            instance.primary_key.clone(),
            instance.read_only,
            instance.replication.io_thread,
            instance.replication.sql_thread,
            instance.uses_gtid(),
        )
    };
    // The backend keeps whole seconds.
    let second = |instance: &Instance| instance.last_seen.map(model::Timestamp::as_secs);
    second(stored) >= second(known) && facts(stored) != facts(known)
}

/// The stored sight is surely the later one, so it counts until the server is read again, which it may never be.
fn was_seen_later(fleet: &model::Fleet, loaded: &model::Fleet, key: &model::InstanceKey) -> bool {
    let second =
        |fleet: &model::Fleet| fleet.get(key).and_then(|seen| seen.last_seen).map(model::Timestamp::as_secs);
    second(loaded) > second(fleet)
}

impl Engine {
    /// Runs the second and minute tasks.
    pub async fn keep_house_forever(self) {
        let (mut tick, mut seconds) = (each_second(), 0_u64);
        // What was there until now was loaded.
        *self.inner.backend_version.lock().await = self.store().foreign_changes().await.ok();
        loop {
            tick.tick().await;
            self.register_node().await;
            self.note_queue();
            self.adopt_foreign_changes().await;
            if !self.may_act() && self.is_poll_turn(seconds) {
                self.follow().await;
            }
            if self.may_act() && self.is_poll_turn(seconds) {
                self.review_lost_downtimes().await;
                self.review_cluster_aliases().await;
                self.forget_other_names().await;
            }
            if self.may_act() {
                self.end_periods().await;
            }
            if self.may_act() && seconds % MINUTE_SECONDS == MINUTE_SECONDS - 1 {
                if (seconds / MINUTE_SECONDS).is_multiple_of(self.minutes_between_names()) {
                    self.refresh_names().await;
                }
                self.expire().await;
            }
            self.snapshot_when_due(seconds).await;
            seconds += 1;
        }
    }

    /// This is the second in which what is due once per poll is done.
    fn is_poll_turn(&self, seconds: u64) -> bool {
        seconds.is_multiple_of(self.compiled().analysis.poll.as_secs().max(1))
    }

    /// The part of it that a service without discovery needs.
    pub(crate) async fn follow_forever(self) {
        let (mut tick, mut seconds) = (each_second(), 0_u64);
        loop {
            tick.tick().await;
            self.register_node().await;
            self.adopt_foreign_changes().await;
            if self.is_poll_turn(seconds) {
                self.follow().await;
            }
            seconds += 1;
        }
    }

    /// Records all topologies once per interval of the settings, on the node that acts.
    async fn snapshot_when_due(&self, seconds: u64) {
        let every = self.settings().discovery.snapshot_every.map_or(0, |every| every.as_secs());
        if every == 0 || seconds == 0 || !seconds.is_multiple_of(every) || !self.may_act() {
            return;
        }
        if let Err(error) = self.snapshot_topologies().await {
            warn!(error = %error, "the topologies were not recorded");
        }
    }

    /// Renews this process's place in the node registry. The loops do so every second; a command does it itself.
    pub async fn register_node(&self) {
        if let Err(error) = self.report_node().await {
            warn!(error = %error, "this process is not registered in the backend");
        }
    }

    /// Registers this process unless it did so within the last second: whether the backend takes writes.
    ///
    /// # Errors
    /// The backend does not. That is never remembered: the next call tries again.
    pub async fn check_registration(&self) -> Result<(), StoreError> {
        let last = *self.inner.registered.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < SECOND) { Ok(()) } else { self.report_node().await }
    }

    async fn report_node(&self) -> Result<(), StoreError> {
        let command = Command::RegisterNode {
            node: self.node().clone(),
            version: self.identity().version.clone(),
            backend: self.identity().backend.clone(),
            app: self.identity().app.clone(),
            at: self.now(),
        };
        let result = self.submit(command).await.map(drop);
        *self.inner.registered.lock().unwrap_or_else(PoisonError::into_inner) =
            result.is_ok().then(Instant::now);
        result
    }

    /// A node that may not act reads no servers of itself: it takes over what the active node wrote about them. What an
    /// operator had it read is written first.
    async fn follow(&self) {
        if let Err(error) = self.flush_writes().await {
            warn!(error = %error, "what was read for an operator could not be written yet");
            return;
        }
        if let Err(error) = self.load().await {
            warn!(error = %error, "what the active node knows could not be read");
        }
    }

    /// Somebody else (a direct command, another node, an operator's SQL) may have changed the backend: take over what
    /// operators say about servers, servers that are gone or new, and sights of servers that are surely later than ours;
    /// such servers are read again as well. Whether there was something.
    async fn adopt_foreign_changes(&self) -> bool {
        let mut last = self.inner.backend_version.lock().await;
        let current = match self.store().foreign_changes().await {
            Ok(current) => current,
            Err(error) => {
                warn!(error = %error, "cannot see whether the backend was changed");
                return false;
            }
        };
        if *last == Some(current) {
            return false;
        }
        match self.store().load_fleet().await {
            Ok(loaded) => {
                self.merge_foreign(loaded);
                self.inner.detection.forget_registered();
                *last = Some(current);
                true
            }
            Err(error) => {
                warn!(error = %error, "the backend was changed and could not be read again");
                false
            }
        }
    }

    /// Takes over what operators and commands wrote a moment ago, before something is done about a server. A backend that
    /// takes its time is not waited for. Whether there was something.
    pub(crate) async fn adopt_latest_changes(&self) -> bool {
        tokio::time::timeout(ADOPTION_MAX, self.adopt_foreign_changes()).await.unwrap_or(false)
    }

    /// Takes over what others wrote, before a question is answered, where looking for it costs next to nothing; elsewhere
    /// it is seen within a second.
    pub async fn catch_up(&self) {
        if self.store().tells_changes_cheaply() {
            self.adopt_latest_changes().await;
        }
    }

    fn merge_foreign(&self, loaded: model::Fleet) {
        let mut unknown = Vec::new();
        let mut changed = Vec::new();
        let mut gone = Vec::new();
        let unwritten = self.unwritten_servers();
        {
            let mut fleet = self.fleet_mut();
            for instance in loaded.iter() {
                match fleet.get(&instance.key) {
                    None => unknown.push(instance.key.clone()),
                    Some(known) if was_changed(known, instance) => changed.push(instance.key.clone()),
                    Some(_) => {}
                }
            }
            for instance in fleet.iter() {
                // Unwritten new servers are not "gone": only those that were once stored. While the backend fails, a
                // server may wait for its row for long.
                let stored_once =
                    instance.last_seen.is_some_and(|at| self.now().saturating_since(at) > SECOND * 5)
                        && !unwritten.contains(&instance.key);
                if stored_once && loaded.get(&instance.key).is_none() {
                    gone.push(instance.key.clone());
                }
            }
            for key in &gone {
                fleet.remove(key);
            }
            let newer = changed.iter().filter(|key| was_seen_later(&fleet, &loaded, key)).cloned();
            let taken: Vec<_> = unknown.iter().cloned().chain(newer).collect();
            for key in &taken {
                if let Some(instance) = loaded.get(key) {
                    fleet.insert(model::Instance::clone(instance));
                }
            }
            fleet.adopt_statements(loaded);
        }
        for key in unknown.into_iter().chain(changed) {
            self.inner.read_requests.add(key);
        }
        for key in gone {
            info!(instance = %key, "forgotten by somebody else");
            let mut forgotten =
                self.inner.forgotten.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            forgotten.insert(key, tokio::time::Instant::now());
        }
    }

    /// Renews the downtime of servers lost in a recovery and ends it for those that are well again.
    async fn review_lost_downtimes(&self) {
        let now = self.now();
        let length = self.settings().lost_downtime();
        let lost: Vec<Downtime> = self
            .fleet()
            .downtimes
            .values()
            .filter(|downtime| downtime.reason == Downtime::LOST_IN_RECOVERY && downtime.is_active(now))
            .cloned()
            .collect();
        for downtime in lost {
            if now.saturating_since(downtime.begin) >= LOST_DOWNTIME_MIN && self.is_well_again(&downtime.key)
            {
                self.fleet_mut().downtimes.remove(&downtime.key);
                self.submit_quietly(Command::EndDowntime(downtime.key.clone())).await;
                self.audit("end-downtime", Some(&downtime.key), "well again").await;
            } else if downtime.end.is_some_and(|end| end.saturating_since(now) < length / 2) {
                let renewed = Downtime { end: Some(now + length), ..downtime };
                self.fleet_mut().downtimes.insert(renewed.key.clone(), renewed.clone());
                self.submit_quietly(Command::BeginDowntime(renewed)).await;
            }
        }
        self.fleet_mut().downtimes.retain(|_, downtime| downtime.is_active(now));
    }

    /// Replicates again, or is the only primary with its suggested alias.
    fn is_well_again(&self, key: &InstanceKey) -> bool {
        let fleet = self.fleet();
        let Some(instance) = fleet.get(key).filter(|instance| instance.is_last_check_valid()) else {
            return false;
        };
        if instance.is_replicating() {
            return true;
        }
        let alias = &instance.suggested_cluster_alias;
        instance.depth == 0
            && !alias.is_empty()
            && fleet
                .iter()
                .filter(|other| other.depth == 0 && other.suggested_cluster_alias == *alias)
                .count()
                == 1
    }

    /// Drops servers that are known twice, once under a name that turned out to stand for the other one.
    async fn forget_other_names(&self) {
        let doubles: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let is_double = |key: &InstanceKey| {
                let name = fleet.resolve(key.hostname());
                name != key.hostname() && fleet.get(&InstanceKey::new(name, key.port())).is_some()
            };
            fleet.iter().map(|instance| &instance.key).filter(|key| is_double(key)).cloned().collect()
        };
        for key in doubles {
            self.fleet_mut().remove(&key);
            self.submit_quietly(Command::ForgetInstance(key.clone())).await;
            self.audit("forget", Some(&key), "it is known under another name").await;
        }
    }

    /// Stores the alias every cluster should have now, where it differs from the stored one.
    async fn review_cluster_aliases(&self) {
        let changed: Vec<(String, String)> = {
            let mut fleet = self.fleet_mut();
            let mut changed: Vec<_> = decide::cluster_attributes::cluster_aliases(&fleet, self.now())
                .into_iter()
                .filter(|(name, alias)| !name.is_empty() && fleet.cluster_aliases.get(name) != Some(alias))
                .collect();
            // Whoever changes a cluster also says what it is called.
            changed.retain(|(name, _)| !self.is_cluster_in_motion(name));
            for (cluster_name, alias) in &changed {
                fleet.set_cluster_alias(cluster_name, alias);
            }
            changed
        };
        for (cluster_name, alias) in changed {
            self.submit_quietly(Command::SetClusterAlias { cluster_name, alias, at: self.now() }).await;
        }
    }

    /// Names are written again four times before they expire, and not more often: with thousands of servers there are
    /// thousands of them, a transaction each.
    fn minutes_between_names(&self) -> u64 {
        (self.compiled().retention.resolve.as_secs() / 4 / MINUTE_SECONDS).max(1)
    }

    /// What is still true is written again, so that it does not expire in the backend while it is used here.
    async fn refresh_names(&self) {
        let (resolved, domains) = {
            let fleet = self.fleet();
            (fleet.resolved.clone(), fleet.cluster_domains.clone())
        };
        for (hostname, resolved) in resolved.into_iter().filter(|(hostname, resolved)| hostname != resolved) {
            self.submit_quietly(Command::SetResolved { hostname, resolved, at: self.now() }).await;
        }
        for (cluster_name, domain) in domains {
            if self.fleet().cluster_members(&cluster_name).next().is_some() {
                self.submit_quietly(Command::SetClusterDomain { cluster_name, domain, at: self.now() }).await;
            }
        }
    }

    /// Ends the active periods of detections and recoveries, and drops refusals that are over.
    pub(crate) async fn end_periods(&self) {
        let Retention { detection_active, recovery_active, .. } = self.compiled().retention;
        let at = self.now();
        self.submit_quietly(Command::EndPeriods { detection_active, recovery_active, at }).await;
    }

    /// Ends periods that are over and drops rows older than their retention.
    pub(crate) async fn expire(&self) {
        // Those of this host were finished or undone at start; these belong to processes that are gone for good.
        self.submit_quietly(Command::AcknowledgeCrashed { at: self.now() }).await;
        let retention = self.compiled().retention.clone();
        self.submit_quietly(Command::Expire { retention, at: self.now() }).await;
        let known: std::collections::BTreeSet<InstanceKey> =
            self.fleet().iter().map(|instance| instance.key.clone()).collect();
        self.inner.detection.retain_codes(|key| known.contains(key));
        let mut fleet = self.fleet_mut();
        fleet.failed_checks.retain(|key, _| known.contains(key));
        fleet.failed_writes.retain(|key, _| known.contains(key));
    }
}
