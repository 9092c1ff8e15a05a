//! Whether this node may act.

/// The right to change servers: the only node, the active node of a shared backend, or a leader with a quorum.
pub trait Lease: Send + Sync {
    /// Holds now. Asked before every irreversible step.
    fn is_held(&self) -> bool;
}

/// A single node with its own backend: it always may.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysActive;

impl Lease for AlwaysActive {
    fn is_held(&self) -> bool {
        true
    }
}
