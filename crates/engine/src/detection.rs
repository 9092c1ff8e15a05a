//! From facts to findings to acts: analyses what changed at once, everything once a second, and handles each finding
//! in a task of its own.
//!
//! Order for one finding: emergency operation; detection record and its hooks; gates; recovery. Detection runs whether
//! or not recovery is allowed, and a failing detection hook delays recovery by one tick only.

use std::sync::Arc;
use std::time::Duration;

use decide::analysis::{self, AnalysisFilters, Hints, Response, Scope};
use model::{AnalysisCode, Case, Command, CommandOutcome, Finding, InstanceKey};
use tracing::{debug, info, warn};

use crate::Engine;
use crate::compiled::Compiled;
use crate::hook_environment::hook_environment;
use crate::recovery::{Attempt, Request};

const TICK: Duration = Duration::from_secs(1);
/// How often the backend is asked whether an earlier detection is still active.
const REGISTERED_LOOK: Duration = TICK;
/// Differs: longest wait for detection hooks. They may delay a recovery by a tick, as ever, but no longer; the original
/// waited for them without limit.
const DETECTION_HOOKS_WAIT: Duration = TICK;

impl Engine {
    /// Analyses for as long as the process lives.
    pub async fn analyze_forever(self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Fixed order: the same events give the same history.
                biased;
                _ = tick.tick() => self.analysis_round(),
                keys = self.inner.analysis_requests.take() => {
                    for key in keys {
                        self.analyze_one(&key);
                    }
                }
            }
        }
    }

    /// The first analysis waits until every server could be read a few times, as operators of the original expect.
    pub(crate) fn is_settling(&self) -> bool {
        self.running_for() < self.compiled().analysis.poll * 3
    }

    fn analysis_round(&self) {
        if !self.may_act() || self.is_settling() {
            return;
        }
        self.metrics().analysis_rounds.increment();
        let compiled = self.compiled();
        let round = {
            let fleet = self.fleet();
            let hints = Hints { include_downtimed: true, include_no_problem: false };
            analysis::analyze_round(
                &fleet,
                Scope::All,
                hints,
                &compiled.analysis,
                &self.filters(),
                self.now(),
            )
        };
        for (key, code) in round.verdicts {
            self.note_code(&key, code);
        }
        for finding in round.findings {
            self.take_up(finding);
        }
    }

    fn analyze_one(&self, key: &InstanceKey) {
        if !self.may_act() || self.is_settling() {
            return;
        }
        let compiled = self.compiled();
        let finding = {
            let fleet = self.fleet();
            analysis::analyze_instance(&fleet, key, &compiled.analysis, &self.filters(), self.now())
        };
        if let Some(finding) = finding {
            if finding.facts.replicas > 0 {
                self.note_code(key, finding.code);
            }
            self.take_up(finding);
        }
    }

    /// Starts a task for a finding that something is done about.
    fn take_up(&self, finding: Finding) {
        if finding.code == AnalysisCode::NoProblem || finding.skippable_due_to_downtime {
            return;
        }
        if !self.inner.detection.begin(&finding.key) {
            return;
        }
        let handling = Handling { engine: self.clone(), key: finding.key.clone(), code: finding.code };
        self.inner.supervisor.start("finding", async move {
            let request = Request::automatic(finding);
            if let Attempt::Failed(error) = handling.engine.handle_finding(request).await {
                warn!(instance = %handling.key, error = %error, "a finding was not handled to its end");
            }
        });
    }

    /// Puts a change of a server's code into the changelog.
    fn note_code(&self, key: &InstanceKey, code: AnalysisCode) {
        if !self.inner.detection.code_changed(key, code) {
            return;
        }
        // A lock that is over begins anew when it comes again.
        if !matches!(code, AnalysisCode::LockedSemiSyncMaster | AnalysisCode::LockedSemiSyncMasterHypothesis)
        {
            self.fleet_mut().stale_coordinates.remove(key);
        }
        self.metrics().analysis_change_attempt.increment();
        if code != AnalysisCode::NoProblem {
            info!(instance = %key, analysis = %code, "analysis changed");
        }
        let engine = self.clone();
        let command = Command::WriteAnalysis { key: key.clone(), analysis: code.to_string(), at: self.now() };
        self.inner.supervisor.start("analysis changelog", async move {
            engine.submit_quietly(command).await;
        });
    }

    /// The filters of the settings in force, and the operations in progress.
    pub fn filters(&self) -> EngineFilters {
        EngineFilters { engine: self.clone(), compiled: self.compiled() }
    }

    /// Handles one finding to its end. Used by the loop and by operators' recoveries alike.
    pub(crate) async fn handle_finding(&self, mut request: Request) -> Attempt {
        let _pending = self.metrics().recoveries_pending.enter();
        if !request.forced
            && let Err(reason) = self.look_again(&request.finding).await
        {
            return Attempt::NotAttempted(vec![reason]);
        }
        // Fail closed: a switch that cannot be read counts as "off" for automatic recoveries.
        let disabled = match self.store().recoveries_disabled().await {
            Ok(disabled) => disabled,
            Err(error) => {
                warn!(error = %error, "cannot read the global recovery switch; automatic recoveries stay off");
                true
            }
        };
        let key = &request.finding.key;
        let in_grace =
            (self.inner.grace.is_within(key) || self.inner.tested_sources.contains(key)) && !request.forced;
        let Some(rule) = analysis::rule_of(request.finding.code) else {
            return Attempt::NotAttempted(vec!["nothing is wrong with the server".to_owned()]);
        };
        let cluster = &request.finding.cluster.name;
        if !request.forced && self.filters().is_explained_by_operation(cluster, request.finding.code) {
            return Attempt::NotAttempted(vec![format!("an operation on cluster {cluster} explains it")]);
        }
        let response = rule.response_in(in_grace);
        request.finding.is_actionable =
            response.is_actionable() && rule.is_actionable(&request.finding.facts, &self.compiled().analysis);
        self.start_emergencies(&request.finding, rule.emergency, !disabled || request.forced);
        if response == Response::Watch {
            return Attempt::NotAttempted(vec![format!(
                "nothing is done automatically about {}",
                request.finding.code
            )]);
        }
        if let Err(error) = self.register_detection(&request).await {
            return Attempt::Failed(error);
        }
        if disabled && !request.forced {
            debug!(instance = %request.finding.key, "recoveries are disabled globally");
            return Attempt::NotAttempted(vec![
                "recoveries are disabled globally; `-c enable-global-recoveries` allows them".to_owned(),
            ]);
        }
        self.recover_by(response, request).await
    }

    /// The finding is still the same by what operators and commands wrote to the backend a moment ago.
    async fn look_again(&self, finding: &Finding) -> Result<(), String> {
        // Without news it is asked, too: a question may have had them taken over since the finding was made.
        self.adopt_latest_changes().await;
        self.require_still_found(finding, &self.filters())
    }

    /// What was found is still there by what is known now.
    ///
    /// # Errors
    /// It is not, or the server is downtimed by now; what it is instead.
    pub(crate) fn require_still_found(
        &self,
        found: &Finding,
        filters: &dyn AnalysisFilters,
    ) -> Result<(), String> {
        let key = &found.key;
        let compiled = self.compiled();
        let fleet = self.fleet();
        match analysis::analyze_instance(&fleet, key, &compiled.analysis, filters, self.now()) {
            Some(now) if now.code != found.code => {
                Err(format!("{key} is {} by now; nothing was changed", now.code))
            }
            Some(now) if now.skippable_due_to_downtime && !found.skippable_due_to_downtime => {
                Err(format!("{key} is in downtime by now; nothing was changed"))
            }
            Some(_) => Ok(()),
            None => Err(format!("{key} is in maintenance or forgotten by now; nothing was changed")),
        }
    }

    /// Registers the detection and, when it is new, runs the detection hooks.
    pub(crate) async fn register_detection(&self, request: &Request) -> Result<(), String> {
        let finding = &request.finding;
        let now = self.now();
        let compiled = self.compiled();
        let state = &self.inner.detection;
        if state.is_registered(&finding.key, finding.code, finding.is_actionable, now) {
            return Ok(());
        }
        let outcome = self
            .inner
            .ports
            .log
            .submit(Command::RegisterDetection {
                case: case_of(finding),
                is_actionable: finding.is_actionable,
                node: self.node().clone(),
                at: now,
            })
            .await;
        match outcome {
            Ok(CommandOutcome::Inserted(Some(id))) => {
                info!(
                    instance = %finding.key,
                    cluster = %finding.cluster.name,
                    analysis = %finding.code,
                    detection = id,
                    actionable = finding.is_actionable,
                    "failure detected"
                );
                let until = now + compiled.retention.detection_active;
                state.note_registered(&finding.key, finding.code, finding.is_actionable, until);
                self.run_detection_hooks(request).await
            }
            Ok(_) => {
                // One that was registered before is active for an unknown time.
                let until = now + REGISTERED_LOOK;
                state.note_registered(&finding.key, finding.code, finding.is_actionable, until);
                Ok(())
            }
            Err(error) => {
                // Detection records are for people; a backend in trouble must not stop a recovery.
                warn!(instance = %finding.key, error = %error, "the detection was not registered");
                Ok(())
            }
        }
    }

    /// Runs the detection hooks in a task of their own. One that fails soon ends this pass; one that takes longer than a
    /// tick goes on beside the recovery, which it can delay but not stop.
    async fn run_detection_hooks(&self, request: &Request) -> Result<(), String> {
        if request.skip_hooks {
            return Ok(());
        }
        let uid = self.new_uid();
        let environment = hook_environment(&request.finding, &uid, None, &self.node().hostname);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let (engine, settings, run_uid) = (self.clone(), self.settings(), uid.clone());
        self.inner.supervisor.start("detection hooks", async move {
            let commands = &settings.hooks.on_detection;
            let result =
                engine.run_hooks("OnFailureDetectionProcesses", commands, &environment, &run_uid, true).await;
            // Nobody waits any more when it took long; the end of each hook is in the audit.
            let _ = sender.send(result.map_err(|error| error.to_string()));
        });
        match tokio::time::timeout(DETECTION_HOOKS_WAIT, receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_dropped)) => Err("the detection hooks ended by a defect; see the log".to_owned()),
            Err(_elapsed) => {
                let text = "OnFailureDetection hooks still run; what follows does not wait for them";
                self.write_step_later(&uid, text.to_owned());
                Ok(())
            }
        }
    }
}

/// Marks a server as being handled until dropped. When its code became another one meanwhile, it is analysed again at
/// once instead of at the next tick.
struct Handling {
    engine: Engine,
    key: InstanceKey,
    code: AnalysisCode,
}

impl Drop for Handling {
    fn drop(&mut self) {
        let state = &self.engine.inner.detection;
        if state.end(&self.key) && state.last_code(&self.key) != Some(self.code) {
            self.engine.inner.analysis_requests.add(self.key.clone());
        }
    }
}

/// What a record keeps of a finding.
pub(crate) fn case_of(finding: &Finding) -> Case {
    Case {
        key: finding.key.clone(),
        code: finding.code,
        cluster_name: finding.cluster.name.clone(),
        cluster_alias: finding.cluster.alias.clone(),
        count_replicas: finding.facts.replicas,
        replicas: finding.replicas.clone(),
    }
}

/// What settings and operations in progress say about clusters and hosts.
pub struct EngineFilters {
    engine: Engine,
    compiled: Arc<Compiled>,
}

impl AnalysisFilters for EngineFilters {
    fn ignores_host(&self, hostname: &str) -> bool {
        self.compiled.settings.detection.ignored_hosts.matches(hostname)
    }

    fn recovers_primary(&self, cluster_name: &str, cluster_alias: &str) -> bool {
        self.compiled.settings.recovery.primary_clusters.matches(cluster_name, cluster_alias)
    }

    fn recovers_intermediate(&self, cluster_name: &str, cluster_alias: &str) -> bool {
        self.compiled.settings.recovery.intermediate_clusters.matches(cluster_name, cluster_alias)
    }

    fn is_explained_by_operation(&self, cluster_name: &str, code: AnalysisCode) -> bool {
        analysis::may_come_from_operation(code) && self.engine.is_cluster_in_motion(cluster_name)
    }
}
