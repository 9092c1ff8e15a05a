//! Beginning and aborting seeds. [`super::seed_run`] carries one out.

use model::{AgentCommand, Command, CommandOutcome};
use ports::SeedQuery;
use tracing::info;

use super::seed_run::SeedRun;
use crate::{Engine, OperationError};

impl Engine {
    /// Begins to copy the data of a host onto another one, and returns the number of the seed. Its steps are recorded.
    ///
    /// # Errors
    /// Both are the same host, or another seed onto the target runs; the backend.
    pub async fn begin_seed(&self, target: &str, source: &str) -> Result<i64, OperationError> {
        let refuse = |reason: String| Err(OperationError::Refused(vec![reason]));
        if target == source {
            return refuse(format!("Cannot seed {target} onto itself"));
        }
        if self.identity().noop {
            return refuse(format!("--noop: {target} is not seeded"));
        }
        let (to, from) = (target.to_owned(), source.to_owned());
        let outcome = self.submit(Command::BeginSeed { target: to, source: from, at: self.now() }).await?;
        let CommandOutcome::Inserted(Some(id)) = outcome else {
            return refuse(format!(
                "a seed onto {target} is running; wait until it ends, or abort it: agent-active-seeds/{target} tells its number"
            ));
        };
        info!(seed = id, target, source, "a seed begins");
        let run = SeedRun::new(self.clone(), id, target, source);
        self.supervisor().start("seed", run.carry_out());
        Ok(id)
    }

    /// Ends a seed as failed and has both agents break it off. Agents that do not answer change nothing about that.
    ///
    /// # Errors
    /// The backend.
    pub async fn abort_seed(&self, id: i64) -> Result<(), OperationError> {
        let Some(seed) = self.store().seeds(SeedQuery::Id(id)).await?.into_iter().next() else {
            return Ok(());
        };
        // First the record: the run looks there before each step, and must not go on after what was broken off.
        self.submit(Command::EndSeed { seed: id, is_successful: false, at: self.now() }).await?;
        for host in [&seed.target, &seed.source] {
            if let Err(error) = self.command_agent(host, &AgentCommand::AbortSeed { seed: id }).await {
                info!(seed = id, error = %error, "an agent did not break off a seed");
            }
        }
        Ok(())
    }
}
