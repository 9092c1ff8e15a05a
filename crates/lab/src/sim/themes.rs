//! Histories around moments that chance alone rarely meets: faults that belong together, close to each other in time.

use super::faults::Fault;
use super::inject::StepFault;
use super::rng::Rng;
use super::schedule::{FAULT_SPAN_MS, Scenario};
use super::world::{HookMode, Party};

/// Faults of one kind of story, by the time at which they begin.
type Story = fn(&Cast, &mut Rng) -> Vec<(u64, Fault)>;

/// Whom a story is about, and when it happens.
struct Cast {
    primary: usize,
    /// Direct replicas of the primary.
    replicas: Vec<usize>,
    at: u64,
}

/// Every kind of story.
const STORIES: &[Story] =
    &[blink, flinch, stragglers, together, out_of_sight, parted, stalled, stubborn, late_witness, slow_hooks];

impl Scenario {
    /// The faults of a story; none when the clusters have nobody to play it.
    pub(super) fn story(&self, rng: &mut Rng, begin: u64) -> Vec<(u64, Fault)> {
        let cluster = rng.index(self.clusters.len());
        let first = self.members(cluster).start;
        let replicas = (0..self.clusters[cluster].servers.len())
            .filter(|at| self.clusters[cluster].servers[*at].source == Some(0))
            .map(|at| first + at)
            .collect();
        let cast = Cast { primary: first, replicas, at: begin + rng.within(0, FAULT_SPAN_MS) };
        rng.pick(STORIES)(&cast, rng)
    }
}

fn kill(server: usize, tail: usize, restart_after: Option<u64>) -> Fault {
    Fault::Kill { server, tail, restart_after, for_good: false }
}

fn break_step(rng: &mut Rng, last: u64) -> Fault {
    Fault::BreakStep {
        in_steps: u32::try_from(rng.within(1, last)).unwrap_or(1),
        fault: rng.pick(&StepFault::ALL),
        restart_after: rng.within(200, 3_000),
    }
}

/// How a primary, or what hides it, goes away for good as far as the story is concerned.
fn end_of(primary: usize, rng: &mut Rng) -> Fault {
    match rng.within(0, 3) {
        0 => Fault::PowerOff { server: primary, tail: 0 },
        1 => Fault::Hang { server: primary, lasts: rng.within(5_000, 20_000) },
        _ => kill(primary, 0, None),
    }
}

/// The primary is gone for a moment only, and a step of what is done about it breaks.
fn blink(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let tail = if rng.percent(30) { usize::try_from(rng.within(1, 3)).unwrap_or(1) } else { 0 };
    let back = if rng.percent(70) { rng.within(2, 60) } else { rng.within(60, 2_500) };
    let mut faults = vec![(cast.at, kill(cast.primary, tail, Some(back)))];
    if rng.percent(75) {
        faults.push((cast.at - 1, break_step(rng, 24)));
    }
    if rng.percent(15) {
        faults.push((cast.at + rng.within(2, 400), Fault::LoseLease { lasts: rng.within(100, 8_000) }));
    }
    faults
}

/// The primary is back within the few milliseconds that a failover takes, obeys the fence, and orchestrator dies about then.
fn flinch(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let back = rng.within(3, 10);
    let fault = rng.pick(&[StepFault::CrashBefore, StepFault::CrashAfter, StepFault::LostAnswer]);
    let in_steps = u32::try_from(rng.within(9, 22)).unwrap_or(6);
    let broken = Fault::BreakStep { in_steps, fault, restart_after: rng.within(200, 3_000) };
    vec![(cast.at - 1, broken), (cast.at, kill(cast.primary, 0, Some(back)))]
}

/// Replicas lose the primary at different times before it dies: each has received another part of the last writes.
fn stragglers(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let primary = Party::Server(cast.primary);
    let mut faults = Vec::new();
    for replica in &cast.replicas {
        if rng.percent(60) {
            let earlier = rng.within(20, 3_500);
            let cut = Fault::Cut { a: Party::Server(*replica), b: primary, lasts: rng.within(4_000, 20_000) };
            faults.push((cast.at.saturating_sub(earlier), cut));
        } else if rng.percent(50) {
            // It has more, but has not applied it.
            let lag = Fault::Lag { server: *replica, behind: rng.within(4_000, 12_000) };
            faults.push((cast.at.saturating_sub(rng.within(500, 6_000)), lag));
        }
    }
    faults.push((cast.at, end_of(cast.primary, rng)));
    if rng.percent(25) {
        faults.push((cast.at, break_step(rng, 30)));
    }
    faults
}

/// The primary dies together with some of its replicas, as when a rack loses its power.
fn together(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let mut faults = vec![(cast.at, end_of(cast.primary, rng))];
    for replica in &cast.replicas {
        if rng.percent(50) {
            let back = rng.percent(60).then(|| rng.within(500, 12_000));
            let at = cast.at.saturating_sub(150) + rng.within(0, 300);
            faults.push((at, kill(*replica, 0, back)));
        }
    }
    faults
}

/// Replicas live, but orchestrator does not see them while the primary dies.
fn out_of_sight(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let mut faults = vec![(cast.at, end_of(cast.primary, rng))];
    for replica in &cast.replicas {
        if rng.percent(45) {
            let server = *replica;
            let lasts = rng.within(300, 15_000);
            let fault = match rng.within(0, 2) {
                0 => Fault::Hang { server, lasts },
                1 => Fault::Slow { server, extra: rng.within(500, 2_500), lasts },
                _ => Fault::Cut { a: Party::Orchestrator, b: Party::Server(server), lasts },
            };
            faults.push((cast.at.saturating_sub(2_000) + rng.within(0, 2_500), fault));
        }
    }
    faults
}

/// The network parts the primary from everybody but its clients, and heals.
fn parted(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let primary = Party::Server(cast.primary);
    let lasts = rng.within(500, 12_000);
    let cut = |a: Party, lasts: u64| Fault::Cut { a, b: primary, lasts };
    let mut faults = vec![(cast.at, cut(Party::Orchestrator, lasts))];
    for replica in &cast.replicas {
        let longer = rng.within(0, 8_000);
        faults.push((
            cast.at.saturating_sub(rng.within(0, 5_000)),
            cut(Party::Server(*replica), lasts + longer),
        ));
    }
    if rng.percent(30) {
        faults.push((cast.at, break_step(rng, 30)));
    }
    faults
}

/// The primary hangs for about as long as it takes to notice and to act.
fn stalled(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let hang = Fault::Hang { server: cast.primary, lasts: rng.within(2_000, 12_000) };
    let mut faults = vec![(cast.at, hang)];
    for replica in &cast.replicas {
        if rng.percent(20) {
            let hang = Fault::Hang { server: *replica, lasts: rng.within(500, 12_000) };
            faults.push((cast.at + rng.within(0, 8_000), hang));
        }
    }
    if rng.percent(50) {
        faults.push((cast.at, break_step(rng, 30)));
    }
    faults
}

/// The primary is gone for good, and step after step breaks.
fn stubborn(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let mut faults = vec![(cast.at, end_of(cast.primary, rng))];
    for _ in 0..rng.within(2, 5) {
        faults.push((cast.at + rng.within(0, 6_000), break_step(rng, 20)));
    }
    if rng.percent(50) {
        // Deposed in the middle of it, and dead before what was begun could be given back.
        let lost_at = cast.at + rng.within(2, 600);
        faults.push((lost_at, Fault::LoseLease { lasts: rng.within(200, 15_000) }));
        if rng.percent(60) {
            let crash = Fault::CrashOrchestrator { restart_after: rng.within(200, 3_000) };
            faults.push((lost_at + rng.within(1_000, 9_000), crash));
        }
    }
    faults
}

/// The only replica with the last writes cannot be reached while the primary dies, and answers later.
fn late_witness(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let mut faults = Vec::new();
    let primary = Party::Server(cast.primary);
    let witness = (!cast.replicas.is_empty()).then(|| cast.replicas[rng.index(cast.replicas.len())]);
    for replica in &cast.replicas {
        if Some(*replica) == witness {
            let hidden = Fault::Cut {
                a: Party::Orchestrator,
                b: Party::Server(*replica),
                lasts: rng.within(5_000, 25_000),
            };
            faults.push((cast.at.saturating_sub(rng.within(0, 2_000)), hidden));
        } else {
            let cut = Fault::Cut { a: Party::Server(*replica), b: primary, lasts: 20_000 };
            faults.push((cast.at.saturating_sub(rng.within(20, 1_500)), cut));
        }
    }
    faults.push((cast.at, kill(cast.primary, 0, None)));
    faults
}

/// Hooks go wrong while the primary dies.
fn slow_hooks(cast: &Cast, rng: &mut Rng) -> Vec<(u64, Fault)> {
    let mode = if rng.percent(60) { HookMode::Hang } else { HookMode::Fail };
    let hooks = Fault::Hooks { mode, lasts: rng.within(500, 15_000) };
    let mut faults =
        vec![(cast.at.saturating_sub(rng.within(0, 1_000)), hooks), (cast.at, end_of(cast.primary, rng))];
    if rng.percent(40) {
        let back = Fault::CrashOrchestrator { restart_after: rng.within(200, 3_000) };
        faults.push((cast.at + rng.within(100, 5_000), back));
    }
    faults
}
