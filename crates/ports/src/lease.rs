//! Whether this node may act.

use async_trait::async_trait;

use crate::StoreError;

/// The right to change servers: the only node, the active node of a shared backend, or a leader with a quorum.
///
/// What concerns other nodes has nothing to do where there are none, which is what the provided methods do.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Holds now. Asked before every irreversible step.
    fn is_held(&self) -> bool;

    /// What an operator asks of this node is done here even while another one is active.
    fn admits_operators(&self) -> bool {
        false
    }

    /// Makes this node the active one, whoever is now. It may act as soon as the former one certainly does not any more.
    ///
    /// # Errors
    /// The backend refused; nothing was changed.
    async fn grab(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Ends the term of the active node, whoever it is. The next one is whoever asks first.
    ///
    /// # Errors
    /// The backend refused.
    async fn reelect(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Gives the right back, at the end of the process: another node need not wait.
    async fn release(&self) {}
}

/// A single node with its own backend: it always may.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysActive;

impl Lease for AlwaysActive {
    fn is_held(&self) -> bool {
        true
    }
}
