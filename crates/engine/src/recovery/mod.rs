//! From a finding to a resolved recovery.
//!
//! One recovery is one registered record, one owner and one cluster lock: gates ([`gates`]), then by kind
//! ([`primary`], its phases in [`run`]), with its state and choice journalled ([`journal`]) so that another process can
//! finish or undo it ([`resume`]), and what is told to the outside at the end ([`publication`]). A recovery that promotes
//! nobody gives back what it took ([`release`]); replicas that it could not reach are looked after later ([`follow_up`]).

mod follow_up;
mod forced;
mod gates;
mod intermediate;
mod journal;
mod late_fence;
mod preview;
mod primary;
mod publication;
mod release;
mod resume;
mod run;
mod semi_sync;
mod synthetic;
mod takeover;
mod writable;

pub(crate) use follow_up::LeftBehind;
pub(crate) use gates::{Held, replaces_a_primary};
pub(crate) use late_fence::LateFence;
pub use preview::{FailoverPreview, TakeoverPreview};
pub(crate) use release::PendingRelease;
pub use takeover::TakeoverRequest;

use decide::analysis::Response;
use model::{Finding, InstanceKey, Recovery, RecoveryKind};

use crate::Engine;

/// A finding to be handled, and how.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What was found.
    pub(crate) finding: Finding,
    /// A person asked: filters, downtime, the global switch and the block period do not apply.
    pub(crate) forced: bool,
    /// Run no hooks.
    pub(crate) skip_hooks: bool,
    /// Promote this server or fail.
    pub(crate) candidate: Option<InstanceKey>,
}

impl Request {
    /// By the analysis loop.
    pub(crate) fn automatic(finding: Finding) -> Self {
        Self { finding, forced: false, skip_hooks: false, candidate: None }
    }
}

/// How handling a finding ended.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// Nothing was changed; all the reasons.
    NotAttempted(Vec<String>),
    /// A hook or the book-keeping failed before anything was changed.
    Failed(String),
    /// A recovery ran. Whether it promoted a server is in the record, and so are its errors.
    Ended(Box<Recovery>),
}

impl Engine {
    /// Runs the recovery of a finding.
    pub(crate) async fn recover_by(&self, response: Response, request: Request) -> Attempt {
        let code = request.finding.code;
        match response {
            Response::Watch | Response::Record => {
                Attempt::NotAttempted(vec![format!("{code} is reported, not recovered")])
            }
            Response::FailOverPrimary => self.recover_primary(request, RecoveryKind::Primary).await,
            Response::FailOverCoPrimary => self.recover_primary(request, RecoveryKind::CoPrimary).await,
            Response::RescueReplicas => {
                self.rescue_replicas(request, RecoveryKind::IntermediatePrimary).await
            }
            Response::RescueGroupMemberReplicas => {
                self.rescue_replicas(request, RecoveryKind::GroupMember).await
            }
            Response::MakeWritable => self.make_writable(request).await,
            Response::UnlockSemiSync | Response::TrimSemiSync => self.repair_semi_sync(request).await,
        }
    }
}
