//! Who is best promoted, who is not, and why: a total order that does not depend on the order of the input.
//!
//! What every criterion means stands in [`CRITERIA`], most important first; ties go to the smaller key. The first one,
//! data, is weighed by what the server *can* have: one that is behind counts as complete when it can catch up from a
//! server that is not.

use std::fmt;
use std::sync::Arc;

use model::{GtidUse, Instance, InstanceKey, PromotionRule};

use super::case::FailoverCase;
use super::fate::{Fate, fate_below, obstacles};
use super::received::{Holdings, Yardstick};
use super::veto::{Majority, Veto, doubts, is_applier_broken, vetoes};
use crate::replication_rules::{format_rank, gtid_obstacles};

/// One replica on the way through the ranking.
#[derive(Clone, Debug)]
pub(crate) struct Entrant {
    pub(crate) replica: Arc<Instance>,
    pub(crate) held: Holdings,
    /// Transactions it lacks of what all reachable replicas received.
    pub(crate) shortfall: u64,
    /// Index of the server from which it would catch up.
    pub(crate) donor: Option<usize>,
    /// The shortfall left after that.
    pub(crate) final_shortfall: u64,
    vetoes: Vec<Veto>,
    doubts: Vec<Veto>,
    would_lose: u64,
}

/// One criterion: smaller scores are better.
pub(crate) struct Criterion {
    /// What decides, in words.
    pub(crate) name: &'static str,
    score: fn(&FailoverCase, &Entrant) -> u64,
}

/// All criteria, most important first.
pub(crate) const CRITERIA: &[Criterion] = &[
    Criterion { name: "fewest missing transactions", score: |_, e| e.final_shortfall },
    Criterion {
        name: "no long wait for its relay log",
        score: |case, e| u64::from(is_slow(case, &e.replica, &e.held)),
    },
    Criterion { name: "promotion rule", score: |case, e| tier(case, e) },
    Criterion {
        name: "candidate in the place of the failed server",
        score: |case, e| if tier(case, e) == 0 { u64::from(!is_same_place(case, &e.replica)) } else { 0 },
    },
    Criterion {
        name: "promotion rule must",
        score: |case, e| u64::from(case.rule(&e.replica.key) != PromotionRule::Must),
    },
    Criterion { name: "complete without catching up", score: |_, e| u64::from(e.donor.is_some()) },
    Criterion { name: "no transactions of its own", score: |_, e| u64::from(!e.held.errant.is_empty()) },
    Criterion { name: "fewest lost replicas", score: |_, e| e.would_lose },
    Criterion {
        name: "older version",
        score: |_, e| {
            let (major, minor, _) = e.replica.version.numbers;
            (u64::from(major) << 32) | u64::from(minor)
        },
    },
    Criterion {
        name: "smaller binary log format",
        score: |_, e| format_rank(&e.replica.binlog_format).map_or(u64::MAX, u64::from),
    },
    Criterion {
        name: "place of the failed server",
        score: |case, e| u64::from(!is_same_place(case, &e.replica)),
    },
    Criterion { name: "least left to apply", score: |_, e| e.held.pending },
];

/// 0 for registered candidates, 1 for neutral servers, 2 for those preferably not promoted. Only tiers are worth a
/// detour: a neutral server catches up to spare one of the last tier, and a candidate to be promoted at all.
fn tier(case: &FailoverCase, entrant: &Entrant) -> u64 {
    match case.rule(&entrant.replica.key) {
        PromotionRule::Must | PromotionRule::Prefer => 0,
        PromotionRule::Neutral => 1,
        PromotionRule::PreferNot => 2,
        PromotionRule::MustNot => 3,
    }
}

fn is_same_place(case: &FailoverCase, replica: &Instance) -> bool {
    case.old_primary.as_ref().is_some_and(|old| {
        old.data_center == replica.data_center && old.physical_environment == replica.physical_environment
    })
}

/// Its relay log will likely not be applied within the time allowed.
pub(crate) fn is_slow(case: &FailoverCase, replica: &Instance, held: &Holdings) -> bool {
    let lag = replica.lag_seconds.or(replica.replication.seconds_behind).unwrap_or(0);
    held.is_pending()
        && (replica.replication.sql_delay > 0
            || u64::try_from(lag).unwrap_or(0) > case.policy.drain_timeout.as_secs())
}

/// Where one server ended up in the ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is chosen.
    Chosen,
    /// It could be promoted, but another is better by this criterion.
    Outranked(&'static str),
    /// It would only be promoted if nobody else could. Every doubt.
    Doubted(Vec<Veto>),
    /// It must not be promoted. Every veto.
    Rejected(Vec<Veto>),
}

/// One line of a [`Ranking`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// The server.
    pub key: InstanceKey,
    /// Transactions (without GTID: places in the binary log) it lacks of what all reachable replicas received;
    /// `None` when unknown.
    pub shortfall: Option<u64>,
    /// Its promotion rule.
    pub rule: PromotionRule,
    /// From where it would catch up.
    pub catch_up_from: Option<InstanceKey>,
    /// The verdict.
    pub standing: Standing,
}

/// All replicas, best first, each with the reason for its place. Servers that may be promoted come first, then those
/// in doubt, then the rejected ones by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// The lines.
    pub lines: Vec<Ranked>,
}

impl fmt::Display for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            writeln!(f, "{}. {line}", index + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, ", self.key, self.rule)?;
        match (self.shortfall, &self.catch_up_from) {
            (None, _) => f.write_str("nothing known of what it received")?,
            (Some(0), _) => f.write_str("received everything")?,
            (Some(count), None) => write!(f, "lacks {count}")?,
            (Some(count), Some(donor)) => write!(f, "lacks {count}, can catch up from {donor}")?,
        }
        match &self.standing {
            Standing::Chosen => f.write_str("): chosen"),
            Standing::Outranked(criterion) => write!(f, "): not chosen, decided by: {criterion}"),
            Standing::Doubted(doubts) => {
                write!(f, "): only if nobody else can be promoted: {}", join(doubts))
            }
            Standing::Rejected(vetoes) => write!(f, "): rejected: {}", join(vetoes)),
        }
    }
}

fn join(vetoes: &[Veto]) -> String {
    vetoes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Ranks the replicas that were read. Returns all entrants by key, and the indexes of those that may be promoted, best
/// first; empty when there are none.
pub(crate) fn rank(case: &FailoverCase, observed: &[Arc<Instance>]) -> (Vec<Entrant>, Vec<usize>) {
    let mut entrants = enter(case, observed);
    measure(case, &mut entrants);
    count_losses(case, &mut entrants);
    let mut order: Vec<usize> = (0..entrants.len()).filter(|&at| entrants[at].vetoes.is_empty()).collect();
    // Doubts weigh more than anything else, so that they count only when nobody is free of them. But for writes that
    // clients were told are safe: a server in doubt that has them comes before one without doubt that lacks them.
    let keeps_acknowledged = case.policy.prevent_semi_sync_loss
        && case.old_primary.as_ref().is_some_and(|primary| primary.semi_sync.primary_enabled);
    let acknowledged = |entrant: &Entrant| if keeps_acknowledged { entrant.final_shortfall } else { 0 };
    order.sort_by_cached_key(|&at| {
        let entrant = &entrants[at];
        (acknowledged(entrant), !entrant.doubts.is_empty(), scores(case, entrant), at)
    });
    (entrants, order)
}

/// The ranking as it is shown. `order` is what [`rank`] returned.
pub(crate) fn explain(case: &FailoverCase, entrants: &[Entrant], order: &[usize]) -> Ranking {
    let best = order.first().copied();
    let rejected = (0..entrants.len()).filter(|at| !order.contains(at));
    let mut lines: Vec<Ranked> = order
        .iter()
        .copied()
        .chain(rejected)
        .map(|at| {
            let entrant = &entrants[at];
            let standing = match best {
                _ if !entrant.vetoes.is_empty() => Standing::Rejected(entrant.vetoes.clone()),
                Some(best) if best == at => Standing::Chosen,
                _ if !entrant.doubts.is_empty() => Standing::Doubted(entrant.doubts.clone()),
                Some(best) => Standing::Outranked(decided_by(case, &entrants[best], entrant)),
                None => Standing::Rejected(Vec::new()),
            };
            Ranked {
                key: entrant.replica.key.clone(),
                shortfall: (entrant.shortfall != u64::MAX).then_some(entrant.shortfall),
                rule: case.rule(&entrant.replica.key),
                catch_up_from: entrant.donor.map(|donor| entrants[donor].replica.key.clone()),
                standing,
            }
        })
        .collect();
    for replica in unread(case, entrants) {
        lines.push(Ranked {
            key: replica.clone(),
            shortfall: None,
            rule: case.rule(replica),
            catch_up_from: None,
            standing: Standing::Rejected(vec![Veto::Unreachable]),
        });
    }
    Ranking { lines }
}

/// Replicas of the case that were not read again, by key.
pub(crate) fn unread<'a>(case: &'a FailoverCase, entrants: &[Entrant]) -> Vec<&'a InstanceKey> {
    let mut keys: Vec<&InstanceKey> = case
        .replicas
        .iter()
        .map(|replica| &replica.key)
        .filter(|key| entrants.iter().all(|entrant| entrant.replica.key != **key))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

impl Entrant {
    /// What it will hold when it is promoted.
    pub(crate) fn expected(&self, entrants: &[Self]) -> Holdings {
        self.donor.map_or_else(|| self.held.clone(), |donor| self.held.with(&entrants[donor].held))
    }

    /// Was read, and still replicates from the failed server.
    pub(crate) fn takes_part(&self, case: &FailoverCase) -> bool {
        self.replica.is_last_check_valid() && self.replica.primary_key.names_same_server_as(&case.failed)
    }
}

fn enter(case: &FailoverCase, observed: &[Arc<Instance>]) -> Vec<Entrant> {
    let mut replicas: Vec<Arc<Instance>> =
        observed.iter().filter(|replica| replica.key != case.failed).cloned().collect();
    replicas.sort_by(|a, b| a.key.cmp(&b.key));
    replicas.dedup_by(|a, b| a.key == b.key);
    let majority = Majority::of(replicas.iter().map(AsRef::as_ref));
    replicas
        .into_iter()
        .map(|replica| {
            let held = Holdings::of(&replica, case.old_primary.as_deref());
            Entrant {
                vetoes: vetoes(case, &replica, &held),
                doubts: doubts(&replica, &majority),
                shortfall: u64::MAX,
                final_shortfall: u64::MAX,
                donor: None,
                would_lose: 0,
                replica,
                held,
            }
        })
        .collect()
}

/// Finds how much each server lacks, and for those that may be promoted the best server to catch up from.
fn measure(case: &FailoverCase, entrants: &mut [Entrant]) {
    let held: Vec<&Holdings> = entrants.iter().filter(|e| e.takes_part(case)).map(|e| &e.held).collect();
    let yardstick = Yardstick::of(&held);
    for entrant in entrants.iter_mut().filter(|entrant| entrant.takes_part(case)) {
        entrant.shortfall = yardstick.shortfall(&entrant.held);
        entrant.final_shortfall = entrant.shortfall;
    }
    for at in 0..entrants.len() {
        if let Some((donor, shortfall)) = best_donor(case, entrants, at, &yardstick) {
            entrants[at].donor = Some(donor);
            entrants[at].final_shortfall = shortfall;
        }
    }
}

/// The server from which another one gets most of what it lacks, and what it lacks then.
fn best_donor(
    case: &FailoverCase,
    entrants: &[Entrant],
    at: usize,
    yardstick: &Yardstick,
) -> Option<(usize, u64)> {
    let candidate = &entrants[at];
    if !candidate.vetoes.is_empty() || candidate.shortfall == 0 {
        return None;
    }
    (0..entrants.len())
        .filter(|&donor| donor != at && can_catch_up(case, candidate, &entrants[donor]))
        .map(|donor| (donor, yardstick.shortfall(&candidate.held.with(&entrants[donor].held))))
        .filter(|(_, shortfall)| *shortfall < candidate.shortfall)
        .min_by_key(|&(donor, shortfall)| {
            let entrant = &entrants[donor];
            let is_slow = is_slow(case, &entrant.replica, &entrant.held);
            (shortfall, is_slow, !entrant.held.errant.is_empty(), entrant.held.pending, donor)
        })
}

fn scores(case: &FailoverCase, entrant: &Entrant) -> Vec<u64> {
    CRITERIA.iter().map(|criterion| (criterion.score)(case, entrant)).collect()
}

fn decided_by(case: &FailoverCase, better: &Entrant, worse: &Entrant) -> &'static str {
    CRITERIA
        .iter()
        .find(|criterion| (criterion.score)(case, better) != (criterion.score)(case, worse))
        .map_or("order of names", |criterion| criterion.name)
}

fn can_catch_up(case: &FailoverCase, candidate: &Entrant, donor: &Entrant) -> bool {
    donor.takes_part(case)
        && donor.replica.logs_updates()
        && !donor.replica.is_binlog_server()
        && !(donor.held.is_pending() && is_applier_broken(&donor.replica))
        && !is_applier_broken(&candidate.replica)
        && candidate.replica.gtid_use() != GtidUse::None
        && donor.replica.gtid_use() == candidate.replica.gtid_use()
        && obstacles(&candidate.replica, &donor.replica, &case.policy.replication).is_empty()
        && gtid_obstacles(&candidate.replica, &donor.replica).is_empty()
}

fn count_losses(case: &FailoverCase, entrants: &mut [Entrant]) {
    for at in 0..entrants.len() {
        if !entrants[at].vetoes.is_empty() {
            continue;
        }
        let candidate = &entrants[at];
        let expected = candidate.expected(entrants);
        let lost = entrants
            .iter()
            .filter(|other| other.replica.key != candidate.replica.key && other.takes_part(case))
            .filter(|other| {
                let fate = fate_below(
                    &other.replica,
                    &other.held,
                    &candidate.replica,
                    &expected,
                    &case.policy.replication,
                );
                matches!(fate, Fate::Lost(_))
            })
            .count();
        entrants[at].would_lose = u64::try_from(lost).unwrap_or(u64::MAX);
    }
}
