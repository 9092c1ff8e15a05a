//! Carries out operations: one exhaustive match per group of the registry.
//!
//! A call knows the engine, the arguments and where it came from. It reads a short view of the fleet, asks `decide`,
//! or has the engine act, and answers with both forms a caller may want: JSON, and lines of text.

mod agents;
mod answer;
mod bookkeeping;
mod call;
mod explanation;
mod figures;
mod information;
mod legacy;
mod logs;
mod lookup;
mod management;
mod node;
mod pools;
mod preview;
mod records;
mod recovery;
mod relocation;
mod replication;
mod tags;
mod takeover;
mod topology;

pub use answer::{Body, Failure, FailureKind, Printed, Reply};
pub(crate) use call::Call;
pub use call::Surface;

use engine::Engine;
use registry::{Args, Operation, OperationId};

/// Carries out an operation.
///
/// # Errors
/// Wrong arguments, unknown servers or clusters, and whatever the engine refuses or fails at; see [`Failure`].
pub async fn run(
    engine: &Engine,
    operation: &Operation,
    args: &Args,
    surface: Surface,
) -> Result<Reply, Failure> {
    let call = Call::new(engine, args, surface);
    match operation.id {
        OperationId::Information(operation) => information::run(&call, operation).await,
        OperationId::Management(operation) => management::run(&call, operation).await,
        OperationId::Bookkeeping(operation) => bookkeeping::run(&call, operation).await,
        OperationId::Relocation(operation) => relocation::run(&call, operation).await,
        OperationId::Replication(operation) => replication::run(&call, operation).await,
        OperationId::Recovery(operation) => recovery::run(&call, operation).await,
        OperationId::Agents(operation) => agents::run(&call, operation).await,
        OperationId::Node(operation) => node::run(&call, operation).await,
    }
}
