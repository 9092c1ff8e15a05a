//! Failover: replacing a primary that is gone.
//!
//! Pure decisions with plans between them. Whoever runs a failover does this, in order:
//!
//! 1. [`collect_plan`]: all direct replicas stop receiving, at the same time. Appliers go on.
//! 2. Read every replica again, at the same time.
//! 3. [`choose`]: rank the replicas by what they *received*, apply every veto, and settle the fate of every replica.
//!    A refusal carries every reason; then [`release_plan`] lets the replicas receive again.
//! 4. [`drain_plan`]: the candidate applies what it received, and gets what it lacks from a more complete replica.
//!    At the same time a short attempt is made to make the old primary read-only. When this phase fails, what it did
//!    is undone; add the candidate to [`FailoverCase::given_up`] and choose again, or give up and release.
//! 5. [`promote_plan`]: the point of no return. The candidate is opened, its siblings are re-pointed beside that, lost
//!    replicas are detached.
//!
//! No replica is moved before the choice is made, none is re-pointed before the candidate has all that it will get,
//! and no relay log is thrown away before it is applied on the server that needs it. Every plan can be judged by
//! [`crate::plan_checker::check_plan`], and [`preview`] makes all of them from what is known now.
//!
//! Deliberately not here: when to fail over (gates), hooks, records and publication.

mod case;
mod choice;
mod fate;
mod group;
mod intermediate;
mod partial;
mod phases;
mod promotion;
mod ranking;
mod received;
mod replacement;
mod resumption;
mod semi_sync;
mod survivor;
mod veto;

#[cfg(test)]
mod broken_plans;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod scenario;
#[cfg(test)]
mod tests;

pub use case::{FailoverCase, FailoverKind};
pub use choice::{CatchUp, Choice, DrainTarget, Lacking, Refusals, choose};
pub use fate::{Fate, LostReason};
pub use group::rehome_below_group;
pub use intermediate::{IntermediateCase, Rehoming, rehome};
pub use phases::{collect_plan, drain_plan, release_plan};
pub use promotion::promote_plan;
pub use ranking::{Ranked, Ranking, Standing};
pub use replacement::{ReplacementCase, replacement};
pub use resumption::resume_plan;
pub use semi_sync::{PossibleLoss, possible_loss};
pub use survivor::{late_detach_plan, late_repoint_plan, lost_by_primary};
pub use veto::Veto;

pub(crate) use phases::CHANGE_TIME;
pub(crate) use promotion::{hold_lease, lanes, push_opening, push_repoint};
pub(crate) use received::Holdings;
pub(crate) use veto::{Majority, doubts, geographic as geographic_vetoes};

use model::Plan;

use crate::plan_checker::CheckContext;

/// All plans of a failover, as they would be if nothing changed from what is known now; changes nothing.
///
/// # Errors
/// Nobody could be promoted.
pub fn preview(case: &FailoverCase) -> Result<(Choice, Vec<Plan>), Refusals> {
    let choice = choose(case, &case.replicas)?;
    let plans = vec![collect_plan(case), drain_plan(case, &choice), promote_plan(case, &choice)];
    Ok((choice, plans))
}

/// What [`crate::plan_checker::check_plan`] has to know to judge the phases after the choice, one after the other.
pub fn check_context(case: &FailoverCase, choice: &Choice) -> CheckContext {
    let mut context = CheckContext::new(choice.observed.values().cloned());
    context.failed = Some(case.failed.clone());
    context.lost = choice.lost().map(|(key, _)| key.clone()).collect();
    context.detach_lost = case.policy.detach_lost_replicas && case.policy.apply_promotion;
    context.writers = choice
        .observed
        .values()
        .filter(|replica| !replica.read_only && replica.key != choice.candidate.key)
        .filter(|replica| matches!(&case.kind, FailoverKind::CoPrimary { other } if *other == replica.key))
        .map(|replica| replica.key.clone())
        .collect();
    context
}
