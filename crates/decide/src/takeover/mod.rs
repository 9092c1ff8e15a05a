//! Takeover: a live primary hands over to one of its replicas, on an operator's word.
//!
//! Whoever runs a takeover does this, in order:
//!
//! 1. [`prepare`] on freshly read servers: who takes over, who follows, and every reason against it, before anything
//!    changes.
//! 2. [`siblings_plan`]: siblings are re-pointed while writes go on. A failure undoes itself.
//! 3. [`approach_plan`]: the target comes close to the primary, so that the pause is short.
//! 4. [`pause_plan`]: the primary becomes read-only; read it again.
//! 5. [`drain_plan`]: the target gets and applies everything, stops, and both are read again.
//! 6. [`promote_plan`]: checks that nothing is missing, then opens the target; the former primary becomes its replica.
//!
//! When step 4 or 5 fails, or the decision of step 6 refuses, [`restore_plan`] makes the primary writable again: it is
//! never left read-only. Once the plan of step 6 runs, the only way is forward.
//!
//! Only the target is ever promoted. Deliberately not here: hooks, records, credentials and TLS of the former primary.

mod case;
mod phases;
mod preflight;

#[cfg(test)]
mod tests;

pub use case::{Obstacle, Obstacles, TakeoverCase};
pub use phases::{
    approach_plan, demotion_plan, drain_plan, pause_plan, promote_plan, restore_plan, siblings_plan,
};
pub use preflight::{Takeover, prepare, single_primary};

use model::Plan;

use crate::plan_checker::CheckContext;

/// All plans of a takeover, as they would be if nothing changed from what is known now; changes nothing.
///
/// # Errors
/// Every obstacle that was found.
pub fn preview(case: &TakeoverCase) -> Result<(Takeover, Vec<Plan>), Obstacles> {
    let takeover = prepare(case)?;
    let plans = phases::all_plans(case, &takeover);
    Ok((takeover, plans))
}

/// What [`crate::plan_checker::check_plan`] has to know to judge all phases, one after the other.
pub fn check_context(case: &TakeoverCase) -> CheckContext {
    let mut context = CheckContext::new(case.replicas.iter().chain([&case.primary]).cloned());
    if !case.primary.read_only {
        context.writers.insert(case.primary.key.clone());
    }
    context
}
