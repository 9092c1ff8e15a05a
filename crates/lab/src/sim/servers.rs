//! `ports::Servers` on the simulated servers: time passes, links break, and steps are broken on request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::{Action, InstanceKey, Observation, ReadProgress, Secret};
use ports::{
    ActionError, ActionOutcome, Deadline, ErrorClass, LostConnection, ProbeError, ProbeRequest, Servers,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::actions::Effect;
use super::inject::StepFault;
use super::server::Power;
use super::world::{HOP_MS, Party, Sight, World};

/// Silence after which a watch finds an answer late, and after which it gives the server up.
const WATCH_LATE_MS: u64 = 250;
const WATCH_OVERDUE_MS: u64 = 650;
/// Longest silence after one question of a wait.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// Since when a watched server is silent, and whether its answer was found late.
enum Silence {
    Began(Instant),
    Late(Instant),
}

/// The world, and a bell that rings when power, links or limits changed.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    pub(super) changed: Notify,
}

impl Shared {
    pub(super) fn new(world: World) -> Arc<Self> {
        Arc::new(Self { world: Mutex::new(world), changed: Notify::new() })
    }

    /// The world. Never held across an await.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The world as one orchestrator process reaches it. Once the process has died no call ever returns: what it had sent
/// may take effect, but nothing of it runs on.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) shared: Arc<Shared>,
    pub(super) incarnation: u32,
}

impl Access {
    /// Runs something as the process; never returns when that is dead.
    pub(super) async fn live<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        let answer = {
            let mut world = self.shared.world();
            let is_alive = world.orchestrator.is_alive && world.orchestrator.incarnation == self.incarnation;
            is_alive.then(|| work(&mut world))
        };
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// One way to a server. Waits through silence until the deadline, and goes on if the silence ends before.
    async fn travel(&self, server: usize, deadline: Deadline) -> Result<(), ErrorClass> {
        let mut was_silent = false;
        loop {
            let bell = self.shared.changed.notified();
            tokio::pin!(bell);
            bell.as_mut().enable();
            let (sight, is_kept, slow) = self
                .live(|world| {
                    let boot = world.servers[server].boot;
                    let is_kept = world.orchestrator.kept.get(&server) == Some(&boot);
                    (world.sight(Party::Orchestrator, server), is_kept, world.servers[server].slow_ms)
                })
                .await;
            match sight {
                Sight::Answers | Sight::Full if sight == Sight::Answers || is_kept => {
                    let hops = if is_kept { HOP_MS } else { 3 * HOP_MS };
                    let arrival = Instant::now() + Duration::from_millis(hops + slow);
                    if arrival > deadline.instant() {
                        sleep_until(deadline.instant()).await;
                        return Err(ErrorClass::TimedOut);
                    }
                    sleep_until(arrival).await;
                    self.live(|world| {
                        let boot = world.servers[server].boot;
                        world.orchestrator.kept.insert(server, boot);
                    })
                    .await;
                    return Ok(());
                }
                Sight::Full | Sight::Answers => {
                    sleep(Duration::from_millis(HOP_MS)).await;
                    return Err(ErrorClass::TooManyConnections);
                }
                Sight::Refuses => {
                    sleep(Duration::from_millis(HOP_MS)).await;
                    return Err(if was_silent { ErrorClass::Connection } else { ErrorClass::Refused });
                }
                Sight::Silent => {
                    was_silent = true;
                    tokio::select! {
                        biased;
                        () = sleep_until(deadline.instant()) => return Err(ErrorClass::TimedOut),
                        () = &mut bell => {}
                    }
                }
            }
        }
    }

    /// An answer that never comes: for that long the server counts as out of reach. A wait is a sequence of questions,
    /// so that one lost answer does not last as long as the whole wait may.
    async fn stay_silent(&self, server: usize, action: &Action, deadline: Deadline) {
        let limit = if action.is_change() { deadline } else { deadline.at_most(LONGEST_SILENCE) };
        sleep_until(limit.instant()).await;
        self.live(|world| world.servers[server].reachable_since = None).await;
    }

    async fn number(&self, key: &InstanceKey) -> Option<usize> {
        self.live(|world| world.find(key)).await
    }

    async fn attempt(
        &self,
        server: usize,
        action: &Action,
        deadline: Deadline,
    ) -> Result<(), (ErrorClass, Option<u16>, String)> {
        let plain = |class: ErrorClass| (class, None, format!("{class:?}"));
        let fault = self
            .live(|world| {
                let name = world.name(server).to_owned();
                world.check_change(server, action);
                world.meet_step(&format!("{name}: {action}"))
            })
            .await;
        match fault {
            Some(StepFault::CrashBefore) => {
                self.shared.world().crash_by_injection();
                std::future::pending::<()>().await;
            }
            Some(StepFault::Error) => {
                return Err((ErrorClass::Server, Some(1105), "broken on purpose".to_owned()));
            }
            Some(StepFault::Timeout) => {
                self.stay_silent(server, action, deadline).await;
                return Err(plain(ErrorClass::TimedOut));
            }
            Some(StepFault::LostAnswer | StepFault::CrashAfter) | None => {}
        }
        if let Err(class) = self.travel(server, deadline).await {
            self.live(|world| world.leave_in_flight(server, action)).await;
            return Err(plain(class));
        }
        loop {
            let effect = self
                .live(|world| {
                    let now = world.now();
                    let effect = world.perform(server, action, now);
                    if action.is_change() && !matches!(effect, Effect::Waits) {
                        let name = world.name(server).to_owned();
                        let end = if let Effect::Refused(refusal) = &effect { refusal.text } else { "done" };
                        world.tell(format!("  {name}: {action}: {end}"));
                    }
                    effect
                })
                .await;
            match effect {
                Effect::Done => break,
                Effect::Refused(refusal) => {
                    return Err((refusal.class, Some(refusal.number), refusal.text.to_owned()));
                }
                Effect::Waits if deadline.has_passed() => return Err(plain(ErrorClass::TimedOut)),
                Effect::Waits => {
                    sleep(Duration::from_millis(10).min(deadline.remaining().max(Duration::from_millis(1))))
                        .await
                }
            }
            self.travel(server, deadline).await.map_err(plain)?;
        }
        match fault {
            Some(StepFault::CrashAfter) => {
                self.shared.world().crash_by_injection();
                std::future::pending::<()>().await;
            }
            Some(StepFault::LostAnswer) => {
                self.stay_silent(server, action, deadline).await;
                return Err(plain(ErrorClass::TimedOut));
            }
            _ => {}
        }
        self.travel(server, deadline).await.map_err(plain)
    }
}

impl World {
    /// A change that was given up: a hung server still finds it in an open connection when it goes on.
    fn leave_in_flight(&mut self, server: usize, action: &Action) {
        let is_linked = !self.cuts.contains_key(&(Party::Orchestrator, Party::Server(server)));
        let boot = self.servers[server].boot;
        let is_kept = self.orchestrator.kept.get(&server) == Some(&boot);
        if action.is_change() && self.servers[server].power == Power::Hung && is_linked && is_kept {
            self.orchestrator.kept.remove(&server);
            self.servers[server].in_flight.push((action.clone(), boot));
        }
    }
}

#[async_trait]
impl Servers for Access {
    async fn probe(
        &self,
        key: &InstanceKey,
        _request: &ProbeRequest,
        deadline: Deadline,
    ) -> Result<Observation, ProbeError> {
        let error = |class: ErrorClass| ProbeError {
            key: key.clone(),
            progress: ReadProgress::Nothing,
            class,
            number: (class == ErrorClass::TooManyConnections).then_some(1040),
            message: format!("{class:?}"),
            skipped_by_filter: false,
        };
        let Some(server) = self.number(key).await else {
            sleep(Duration::from_millis(HOP_MS)).await;
            return Err(error(ErrorClass::Connection));
        };
        let fault = self.live(|world| world.meet_read(server)).await;
        match fault {
            Some(StepFault::CrashBefore) => {
                self.shared.world().crash_by_injection();
                std::future::pending::<()>().await;
            }
            Some(StepFault::Error) => return Err(error(ErrorClass::Server)),
            Some(StepFault::Timeout | StepFault::LostAnswer) => {
                self.stay_silent(server, &Action::Probe, deadline).await;
                return Err(error(ErrorClass::TimedOut));
            }
            Some(StepFault::CrashAfter) | None => {}
        }
        self.travel(server, deadline).await.map_err(error)?;
        let observation = self
            .live(|world| {
                let now = world.now();
                world.observe(server, now)
            })
            .await;
        if fault == Some(StepFault::CrashAfter) {
            self.shared.world().crash_by_injection();
            std::future::pending::<()>().await;
        }
        self.travel(server, deadline).await.map_err(error)?;
        Ok(observation)
    }

    async fn act(
        &self,
        key: &InstanceKey,
        action: &Action,
        deadline: Deadline,
    ) -> Result<ActionOutcome, ActionError> {
        let began = Instant::now();
        let fail = |class: ErrorClass, number: Option<u16>, message: String| ActionError {
            key: key.clone(),
            action: action.to_string(),
            class,
            number,
            message,
            is_sent: true,
        };
        let Some(server) = self.number(key).await else {
            sleep(Duration::from_millis(HOP_MS)).await;
            return Err(fail(ErrorClass::Connection, None, "unknown host".to_owned()));
        };
        if action.is_change() && self.live(|world| world.orchestrator.is_noop).await {
            return Err(fail(ErrorClass::Rejected, None, "not sent: noop".to_owned()));
        }
        let result = self.attempt(server, action, deadline).await;
        if let Err((class, _, text)) = &result {
            let line = format!("  {}: {action}: {class:?} ({text})", key.hostname());
            self.live(|world| world.tell(line)).await;
        }
        result.map_err(|(class, number, message)| fail(class, number, message))?;
        Ok(ActionOutcome {
            observation: None,
            elapsed: began.elapsed(),
            statements: vec![action.to_string()],
        })
    }

    async fn watch(&self, key: &InstanceKey, on_late: &(dyn Fn() + Send + Sync)) -> LostConnection {
        let Some(server) = self.number(key).await else { return std::future::pending().await };
        let mut connected: Option<u32> = None;
        let mut silence: Option<Silence> = None;
        loop {
            let bell = self.shared.changed.notified();
            tokio::pin!(bell);
            bell.as_mut().enable();
            let (sight, boot) = self
                .live(|world| (world.sight(Party::Orchestrator, server), world.servers[server].boot))
                .await;
            match connected {
                None if sight == Sight::Answers => connected = Some(boot),
                Some(_) if sight == Sight::Refuses => break,
                Some(known) if sight != Sight::Silent && known != boot => break,
                None | Some(_) => {}
            }
            silence = match silence {
                _ if sight != Sight::Silent || connected.is_none() => None,
                None => Some(Silence::Began(Instant::now())),
                known => known,
            };
            let next = match &silence {
                None => None,
                Some(Silence::Began(at)) => Some(*at + Duration::from_millis(WATCH_LATE_MS)),
                Some(Silence::Late(at)) => Some(*at + Duration::from_millis(WATCH_OVERDUE_MS)),
            };
            let Some(next) = next else {
                bell.await;
                continue;
            };
            if tokio::time::timeout_at(next, bell).await.is_ok() {
                continue;
            }
            match silence {
                Some(Silence::Began(at)) => {
                    on_late();
                    silence = Some(Silence::Late(at));
                }
                Some(Silence::Late(_)) | None => {
                    return LostConnection { key: key.clone(), reason: "no answer".to_owned() };
                }
            }
        }
        sleep(Duration::from_millis(HOP_MS)).await;
        LostConnection { key: key.clone(), reason: "connection reset".to_owned() }
    }

    async fn forget(&self, key: &InstanceKey) {
        self.live(|world| {
            if let Some(server) = world.find(key) {
                world.orchestrator.kept.remove(&server);
            }
        })
        .await;
    }

    async fn replication_credentials(
        &self,
        key: &InstanceKey,
        deadline: Deadline,
    ) -> Result<Option<(String, Secret)>, ActionError> {
        let fail = |class: ErrorClass| ActionError {
            key: key.clone(),
            action: "read replication credentials".to_owned(),
            class,
            number: None,
            message: format!("{class:?}"),
            is_sent: true,
        };
        let Some(server) = self.number(key).await else { return Err(fail(ErrorClass::Connection)) };
        self.travel(server, deadline).await.map_err(fail)?;
        Ok(Some(("repl".to_owned(), Secret::new("repl"))))
    }

    /// Simulated channels need no credentials: the server only has to answer.
    async fn set_replication_credentials(
        &self,
        key: &InstanceKey,
        _user: &str,
        _password: &Secret,
        deadline: Deadline,
    ) -> Result<(), ActionError> {
        self.replication_credentials(key, deadline).await.map(drop)
    }
}
