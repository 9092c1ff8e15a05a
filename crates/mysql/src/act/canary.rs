//! A trial write: one row in a table of our own, committed like any other.

use super::Work;
use crate::errors::{Failure, NO_SUCH_SCHEMA, NO_SUCH_TABLE};
use crate::statements;

/// Writes and commits; makes the schema and its table when the server has not got them.
pub(crate) async fn try_write(work: &mut Work<'_>, schema: &str) -> Result<(), Failure> {
    work.ask(statements::SHORT_LOCK_WAITS).await?;
    match work.change(statements::write_canary(schema)).await {
        Err(missing) if matches!(missing.number, Some(NO_SUCH_SCHEMA | NO_SUCH_TABLE)) => {
            for statement in statements::make_canary(schema) {
                work.change(statement).await?;
            }
            work.change(statements::write_canary(schema)).await
        }
        outcome => outcome,
    }
}
