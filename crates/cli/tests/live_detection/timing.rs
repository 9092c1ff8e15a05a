//! How soon the daemon comes to a verdict, counted from the moment at which servers show what it is made of.
//!
//! The limits are the product's own. A machine that has more to do than processors and disks for it gets as much more
//! time as its tasks had to wait meanwhile, which the kernel counts; an idle one gets nothing.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::wait_until;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

/// Longest from evidence to verdict.
const PROMPT: Duration = Duration::from_secs(1);
/// What is found by polling, once a second here, takes that read and the analysis on top.
const READ: Duration = Duration::from_millis(250);
/// The same when the evidence is that nothing comes.
const PROMPT_IN_SILENCE: Duration = Duration::from_secs(3);
/// After so long without a sign of life, two heartbeats of these servers, silence is evidence.
const SILENCE: Duration = Duration::from_secs(2);
/// How often the log is looked at: the resolution of what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// Codes that are put on record and about which nothing is done.
const RECORDED_ONLY: &[&str] = &[
    "AllMasterReplicasNotReplicating",
    "AllMasterReplicasNotReplicatingOrDead",
    "DeadMasterAndReplicas",
    "MasterWritesFailing",
    "UnreachableMaster",
    "UnreachableMasterWithLaggingReplicas",
];

/// When something could be known, and how soon it has to be.
pub(crate) struct Evidence {
    /// When it was made, at the fault.
    begun: Instant,
    /// From when on it counts.
    since: Instant,
    limit: Duration,
    stalled_before: Duration,
}

impl Evidence {
    /// Everything shows now, to whoever looks.
    pub(crate) fn polled() -> Self {
        Self::after(Duration::ZERO, PROMPT + READ)
    }

    /// A connection of the daemon tells now.
    pub(crate) fn now() -> Self {
        Self::after(Duration::ZERO, PROMPT)
    }

    /// Somebody falls silent now.
    pub(crate) fn silence() -> Self {
        Self::after(SILENCE, PROMPT_IN_SILENCE)
    }

    /// What shows now to whoever looks counts only when it has lasted for so long.
    pub(crate) fn lasting(period: Duration) -> Self {
        Self::after(period, PROMPT + READ)
    }

    fn after(period: Duration, limit: Duration) -> Self {
        let begun = Instant::now();
        Self { begun, since: begun + period, limit, stalled_before: stalled() }
    }
}

/// How long tasks of this machine have waited for a processor or a disk since it was started; zero where the kernel
/// does not count it.
fn stalled() -> Duration {
    let total = |of: &str| -> Option<u64> {
        let text = std::fs::read_to_string(Path::new("/proc/pressure").join(of)).ok()?;
        text.lines().next()?.rsplit_once("total=")?.1.trim().parse().ok()
    };
    Duration::from_micros(total("cpu").unwrap_or(0) + total("io").unwrap_or(0))
}

/// A verdict that the daemon wrote into its log.
#[derive(Clone, Debug)]
struct Verdict {
    at: Instant,
    instance: String,
    code: String,
}

impl Verdict {
    /// `Code (milliseconds)`.
    fn told(&self, since: Instant) -> String {
        format!("{} ({})", self.code, self.at.saturating_duration_since(since).as_millis())
    }
}

/// Notes the verdicts of a daemon as it writes them. Dropping it ends it.
pub(crate) struct Verdicts {
    /// The newest detection that was on record before.
    last_detection: u64,
    seen: Arc<Mutex<Vec<Verdict>>>,
    follower: tokio::task::JoinHandle<()>,
}

impl Verdicts {
    /// From now on.
    #[expect(clippy::disallowed_methods, reason = "a test's helper, aborted when dropped")]
    pub(crate) async fn follow(world: &World) -> Result<Self> {
        let known = detections(world).await?;
        let last_detection = known.iter().filter_map(|one| one["Id"].as_u64()).max().unwrap_or(0);
        let mut log = std::fs::File::open(world.daemon.log_path())?;
        log.seek(SeekFrom::End(0))?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let follower = tokio::spawn(async move {
            let mut rest = String::new();
            while log.read_to_string(&mut rest).is_ok() {
                let at = Instant::now();
                while let Some(end) = rest.find('\n') {
                    let line: String = rest.drain(..=end).collect();
                    sink.lock().unwrap_or_else(PoisonError::into_inner).extend(verdict(&line, at));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Ok(Self { last_detection, seen, follower })
    }

    fn of(&self, address: &str) -> Vec<Verdict> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|verdict| verdict.instance == address).cloned().collect()
    }

    /// One of these codes becomes the verdict on a server, in time.
    pub(crate) async fn assert_prompt(
        &self,
        world: &World,
        name: &str,
        codes: &[&str],
        evidence: Evidence,
    ) -> Result<()> {
        let address = world.lab.address(name);
        let found = wait_until(&format!("{name} is {codes:?}"), PATIENCE, || async {
            let seen = self.of(&address);
            let right = seen.iter().find(|verdict| codes.contains(&verdict.code.as_str())).cloned();
            right.with_context(|| format!("{seen:?}"))
        })
        .await?;
        let allowance = stalled().saturating_sub(evidence.stalled_before);
        let took = found.at.saturating_duration_since(evidence.since);
        let way: Vec<String> = self.of(&address).iter().map(|verdict| verdict.told(evidence.begun)).collect();
        report(&format!(
            "{name}: {} {} ms after the evidence (limit {} ms + {} ms of waiting); verdicts since the fault {way:?}",
            found.code,
            took.as_millis(),
            evidence.limit.as_millis(),
            allowance.as_millis(),
        ));
        ensure!(
            took <= evidence.limit + allowance,
            "{} of {name} was found {took:?} after it could be known, limit {:?} + {allowance:?}",
            found.code,
            evidence.limit
        );
        Ok(())
    }

    /// Every detection on record since then is one of these, server and code, or one that is recorded only.
    pub(crate) async fn assert_registered_only(&self, world: &World, allowed: &[(&str, &str)]) -> Result<()> {
        for detection in detections(world).await? {
            let entry = &detection["AnalysisEntry"];
            let is_new = detection["Id"].as_u64().is_some_and(|id| id > self.last_detection);
            let is_acted_upon = !RECORDED_ONLY.iter().any(|code| entry["Analysis"] == **code);
            let is_right = |(name, code): &(&str, &str)| {
                let port = json!(world.lab.server(name).port());
                entry["AnalyzedInstanceKey"]["Port"] == port && entry["Analysis"] == **code
            };
            ensure!(
                !is_new || !is_acted_upon || allowed.iter().any(is_right),
                "{detection} is on record, and only {allowed:?} may be"
            );
        }
        Ok(())
    }
}

async fn detections(world: &World) -> Result<Vec<Value>> {
    let all = world.ok("/api/audit-failure-detection").await?;
    all.as_array().cloned().context("no list")
}

impl Drop for Verdicts {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// A verdict in a line of the log, if it tells one.
fn verdict(line: &str, at: Instant) -> Option<Verdict> {
    if !line.contains(" analysis changed ") && !line.contains(" failure detected ") {
        return None;
    }
    let field = |name: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    Some(Verdict { at, instance: field("instance")?, code: field("analysis")? })
}

#[expect(clippy::print_stderr, reason = "what was measured belongs to the outcome of the test")]
fn report(line: &str) {
    eprintln!("{line}");
}
