//! The choice: who is promoted, what it has to get first, and what becomes of everybody else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use model::{GtidUse, Instance, InstanceKey};

use super::case::{FailoverCase, FailoverKind};
use super::fate::{Fate, LostReason, fate_below};
use super::ranking::{Entrant, Ranking, Standing, explain, is_slow, rank, unread};
use super::received::Holdings;
use super::semi_sync::{PossibleLoss, possible_loss};

/// What a server has to have applied before it may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrainTarget {
    /// These transactions: they are known by GTID.
    Gtid(String),
    /// Whatever is in its relay log.
    RelayLog,
    /// Nothing: it has received nothing that it could still have to apply.
    Nothing,
}

/// From where the candidate gets what it lacks, before it is promoted.
#[derive(Clone, Debug, PartialEq)]
pub struct CatchUp {
    /// The most complete server.
    pub donor: Arc<Instance>,
    /// What the donor has to apply, so that it can pass it on.
    pub donor_drain: DrainTarget,
    /// What the candidate lacks and has executed afterwards.
    pub until: String,
}

/// Transactions that a reachable replica received and that the new primary will not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The replica that has them.
    pub on: InstanceKey,
    /// The transactions, or the place in the binary log.
    pub transactions: String,
    /// How many; `None` when they cannot be counted.
    pub count: Option<u64>,
}

/// Who is promoted, and everything that follows from it.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The server to promote, as it was observed.
    pub candidate: Arc<Instance>,
    /// What it must have applied of its own relay log.
    pub drain: DrainTarget,
    /// It may take long to apply that, because it lags or is delayed.
    pub is_slow: bool,
    /// Set when it has to get transactions from another replica first.
    pub catch_up: Option<CatchUp>,
    /// What becomes of each direct replica of the failed server, the candidate included.
    pub fates: BTreeMap<InstanceKey, Fate>,
    /// The replicas as they were observed, for planning; by key.
    pub observed: BTreeMap<InstanceKey, Arc<Instance>>,
    /// What is known to be lost by this choice; empty when nothing is.
    pub lacking: Vec<Lacking>,
    /// All that the candidate will have when it is promoted, as its family writes positions; empty without GTID.
    pub holds: String,
    /// Writes that may be missing, because only replicas that cannot be read may have acknowledged them.
    pub possible_loss: Option<PossibleLoss>,
    /// Why this one and not another.
    pub ranking: Ranking,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Choice {
    /// Replicas that will not replicate from the new primary, with every reason; by key.
    pub fn lost(&self) -> impl Iterator<Item = (&InstanceKey, &[LostReason])> {
        self.fates.iter().filter_map(|(key, fate)| match fate {
            Fate::Lost(reasons) => Some((key, reasons.as_slice())),
            Fate::Promote | Fate::Repoint { .. } | Fate::Unreachable | Fate::Elsewhere(_) => None,
        })
    }

    /// Replicas that are re-pointed to the new primary, as observed; by key.
    pub fn repointed(&self) -> impl Iterator<Item = (&Arc<Instance>, bool)> {
        self.fates.iter().filter_map(|(key, fate)| match fate {
            Fate::Repoint { drain_first } => self.observed.get(key).map(|replica| (replica, *drain_first)),
            Fate::Promote | Fate::Lost(_) | Fate::Unreachable | Fate::Elsewhere(_) => None,
        })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ranking)?;
        if let Some(catch_up) = &self.catch_up {
            writeln!(f, "{} first catches up from {}", self.candidate.key, catch_up.donor.key)?;
        }
        for (key, fate) in &self.fates {
            writeln!(f, "{key} {fate}")?;
        }
        for lacking in &self.lacking {
            writeln!(f, "will be missing: {} (on {})", lacking.transactions, lacking.on)?;
        }
        if let Some(loss) = &self.possible_loss {
            writeln!(f, "possible loss: {loss}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

/// Why nobody is promoted. Never without a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// The reason in one sentence; the texts are those users of the original know.
    pub summary: String,
    /// All replicas with every veto against each; empty when there is no replica.
    pub ranking: Ranking,
    /// It only lasts as long as some replicas cannot be read: worth trying again when they can.
    pub may_pass: bool,
}

impl Refusals {
    pub(crate) fn new(summary: impl Into<String>, ranking: Ranking) -> Self {
        Self { summary: summary.into(), ranking, may_pass: false }
    }

    /// All reasons as single lines: the summary, then one line per server.
    pub fn reasons(&self) -> Vec<String> {
        let lines = self.ranking.lines.iter().map(ToString::to_string);
        std::iter::once(self.summary.clone()).chain(lines).collect()
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().join("; "))
    }
}

impl std::error::Error for Refusals {}

/// Chooses the server to promote. `observed` are the direct replicas as they were read after they stopped receiving;
/// a replica of the case that is not among them counts as unreachable.
///
/// # Errors
/// Nobody may be promoted; with every reason against every server.
pub fn choose(case: &FailoverCase, observed: &[Arc<Instance>]) -> Result<Choice, Refusals> {
    if case.replicas.is_empty() && observed.is_empty() {
        return Err(Refusals::new(format!("No replicas found for {}", case.failed), Ranking::default()));
    }
    let (entrants, order) = rank(case, observed);
    let ranking = explain(case, &entrants, &order);
    let Some(&best) = order.first() else { return Err(refuse(case, ranking)) };
    let is_readable = |key: &InstanceKey| {
        entrants.iter().any(|entrant| entrant.replica.key == *key && entrant.replica.is_last_check_valid())
    };
    let possible_loss = possible_loss(case, is_readable);
    if let Some(loss) = possible_loss.as_ref().filter(|_| case.policy.prevent_semi_sync_loss) {
        return Err(Refusals { may_pass: true, ..Refusals::new(loss.to_string(), ranking) });
    }
    let chosen = &entrants[best];
    let expected = chosen.expected(&entrants);
    let fates = fates(case, &entrants, chosen, &expected);
    let lacking = lacking(case, &entrants, chosen, &expected);
    let notes = notes(case, chosen, &fates, &ranking);
    Ok(Choice {
        candidate: Arc::clone(&chosen.replica),
        drain: drain_target(&chosen.replica, &chosen.held),
        is_slow: is_slow(case, &chosen.replica, &chosen.held),
        catch_up: chosen.donor.map(|donor| catch_up(chosen, &entrants[donor])),
        observed: entrants.iter().map(|e| (e.replica.key.clone(), Arc::clone(&e.replica))).collect(),
        fates,
        lacking,
        holds: expected.all.to_string(),
        possible_loss,
        ranking,
        notes,
    })
}

fn refuse(case: &FailoverCase, ranking: Ranking) -> Refusals {
    let is_known = |key: &InstanceKey| ranking.lines.iter().any(|line| line.key == *key);
    let summary = match (&case.kind, case.only_candidate()) {
        (FailoverKind::CoPrimary { other }, Some(wanted)) if wanted == other && !is_known(other) => {
            format!("RecoverDeadCoMaster: could not read info for co-master {other} of {}", case.failed)
        }
        (_, Some(wanted)) if !is_known(wanted) => {
            format!("{wanted} is to be promoted, but is no direct replica of {}", case.failed)
        }
        (_, Some(wanted)) => format!("{wanted} is to be promoted, but cannot be"),
        (_, None) => "chooseCandidateReplica: no candidate replica found".to_owned(),
    };
    Refusals::new(summary, ranking)
}

fn fates(
    case: &FailoverCase,
    entrants: &[Entrant],
    chosen: &Entrant,
    expected: &Holdings,
) -> BTreeMap<InstanceKey, Fate> {
    let mut fates: BTreeMap<InstanceKey, Fate> =
        unread(case, entrants).into_iter().map(|key| (key.clone(), Fate::Unreachable)).collect();
    for entrant in entrants {
        let replica = &entrant.replica;
        let fate = if replica.key == chosen.replica.key {
            Fate::Promote
        } else if !replica.is_last_check_valid() {
            Fate::Unreachable
        } else if !entrant.takes_part(case) {
            Fate::Elsewhere(replica.primary_key.clone())
        } else {
            fate_below(replica, &entrant.held, &chosen.replica, expected, &case.policy.replication)
        };
        fates.insert(replica.key.clone(), fate);
    }
    fates
}

fn lacking(case: &FailoverCase, entrants: &[Entrant], chosen: &Entrant, expected: &Holdings) -> Vec<Lacking> {
    entrants
        .iter()
        .filter(|entrant| entrant.replica.key != chosen.replica.key && entrant.takes_part(case))
        .filter_map(|entrant| {
            let surplus = entrant.held.surplus_over(expected);
            (!surplus.from_primary.is_empty()).then(|| Lacking {
                on: entrant.replica.key.clone(),
                transactions: surplus.from_primary,
                count: surplus.count,
            })
        })
        .collect()
}

fn notes(
    case: &FailoverCase,
    chosen: &Entrant,
    fates: &BTreeMap<InstanceKey, Fate>,
    ranking: &Ranking,
) -> Vec<String> {
    let replica = &chosen.replica;
    let mut notes = Vec::new();
    if case.is_banned(&replica.key) {
        notes.push(format!(
            "{} is promoted against its promotion rule or the ignore filters, as asked for",
            replica.key
        ));
    }
    if !chosen.held.errant.is_empty() {
        notes.push(format!("{} has transactions of its own: {}", replica.key, chosen.held.errant));
    }
    if ranking
        .lines
        .iter()
        .any(|line| line.key == replica.key && matches!(line.standing, Standing::Doubted(_)))
    {
        notes.push(format!("{} is promoted although it is in doubt, as nobody else can be", replica.key));
    }
    let has_followers = fates.values().any(|fate| matches!(fate, Fate::Repoint { .. }));
    if replica.semi_sync.priority > 0 && !replica.semi_sync.available {
        notes.push(format!("{} has no semi-sync plugin; it is promoted without", replica.key));
    } else if replica.semi_sync.priority > 0 && !has_followers {
        notes.push(format!(
            "no replica can acknowledge semi-sync commits on {}: writes will wait for the timeout",
            replica.key
        ));
    }
    notes
}

fn catch_up(candidate: &Entrant, donor: &Entrant) -> CatchUp {
    // Transactions that only the donor committed come along, so they are waited for too.
    let surplus = donor.held.surplus_over(&candidate.held);
    CatchUp {
        donor: Arc::clone(&donor.replica),
        donor_drain: drain_target(&donor.replica, &donor.held),
        until: [surplus.from_primary, surplus.errant]
            .iter()
            .filter(|part| !part.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// What a server has to apply of its own relay log. GTIDs are preferred to comparing coordinates: a primary that dies
/// in the middle of sending a transaction leaves the start of it in the relay log, which is never applied.
pub(crate) fn drain_target(replica: &Instance, held: &Holdings) -> DrainTarget {
    if !held.is_pending() {
        return DrainTarget::Nothing;
    }
    let is_local_in_the_way = replica.gtid_use() == GtidUse::MariaDb && !held.errant.is_empty();
    match replica.gtid_use() {
        GtidUse::None => DrainTarget::RelayLog,
        GtidUse::MariaDb if is_local_in_the_way => DrainTarget::RelayLog,
        GtidUse::Oracle | GtidUse::MariaDb => {
            DrainTarget::Gtid(held.retrieved.split_whitespace().collect::<Vec<_>>().concat())
        }
    }
}
