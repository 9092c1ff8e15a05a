//! Reading one server: one request for everything, more only when something was learnt or failed.
//!
//! Required answers are the basic variables and replication status: without them the read fails, so that a failed
//! statement can never make a replica look like a primary. Everything else is optional: its failure is noted and
//! the remaining statements are sent again without it.

mod asks;
mod build;
mod detect;
mod group;
mod knowledge;
mod maxscale;
mod replicas;
mod replication;
mod semi_sync;

use std::time::Duration;

use model::{InstanceKey, Observation, ReadProgress};
use ports::{Deadline, ProbeRequest};

pub(crate) use knowledge::{Knowledge, Naming};
pub(crate) use replication::{choose_channel, read as read_replication, source_key};

use self::asks::{Answers, Ask};
use crate::capabilities::Family;
use crate::errors::{Failure, NO_SUCH_TABLE, UNKNOWN_VARIABLE};
use crate::memory::Memory;
use crate::options::MySqlOptions;
use crate::session::Session;

/// How long a statement that a server refuses is not sent again on the same connection.
const REFUSAL_TTL: Duration = Duration::from_secs(120);

/// What a read is about.
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a InstanceKey,
    pub(crate) options: &'a MySqlOptions,
    pub(crate) request: &'a ProbeRequest,
    pub(crate) memory: &'a Memory,
}

/// A read that failed.
#[derive(Debug)]
pub(crate) struct ReadFailure {
    pub(crate) progress: ReadProgress,
    pub(crate) failure: Failure,
    pub(crate) skipped_by_filter: bool,
}

impl ReadFailure {
    pub(crate) fn early(failure: Failure) -> Self {
        Self { progress: ReadProgress::Nothing, failure, skipped_by_filter: false }
    }

    fn late(failure: Failure) -> Self {
        Self { progress: ReadProgress::BasicVariables, failure, skipped_by_filter: false }
    }
}

/// Reads everything over a connection that is already open.
pub(crate) async fn read(
    session: &mut Session,
    subject: &Subject<'_>,
    deadline: Deadline,
) -> Result<Observation, ReadFailure> {
    if session.capabilities().family == Family::MaxScale {
        return maxscale::read(session, subject, deadline).await;
    }
    let mut answers = Answers::default();
    let first = asks::first_round(session, subject);
    ask(session, subject, &first, &mut answers, deadline).await?;
    let second = asks::second_round(session, subject, &mut answers);
    if !second.is_empty() {
        ask(session, subject, &second, &mut answers, deadline).await?;
    }
    build::observation(session, subject, answers)
}

/// Sends statements in one request; after each failure of an optional one, the rest in a further request.
async fn ask(
    session: &mut Session,
    subject: &Subject<'_>,
    asks: &[Ask],
    answers: &mut Answers,
    deadline: Deadline,
) -> Result<(), ReadFailure> {
    let mut rest: Vec<Ask> = session.knowledge.without_refused(asks, answers);
    while !rest.is_empty() {
        // A user's query of several statements would shift the results: it travels alone, in front of the others.
        let count = if rest[0].travels_alone(subject) {
            1
        } else {
            rest.iter().position(|ask| ask.travels_alone(subject)).unwrap_or(rest.len())
        };
        let text = asks::request_text(session, subject, &rest[..count]);
        match session.many(&text, deadline).await {
            Ok(tables) => {
                answers.add(&rest[..count], tables);
                rest.drain(..count);
            }
            Err(halt) => {
                let failed = halt.done.len().min(count - 1);
                answers.add(&rest[..failed], halt.done);
                let is_repeated = settle(session, rest[failed], halt.failure, answers)?;
                rest.drain(..failed + usize::from(!is_repeated));
            }
        }
    }
    Ok(())
}

/// Decides what the failure of one statement means. `Ok(true)`: send it again in another form.
fn settle(
    session: &mut Session,
    failed: Ask,
    failure: Failure,
    answers: &mut Answers,
) -> Result<bool, ReadFailure> {
    let fail = |failure| {
        if answers.has(Ask::Basics) { ReadFailure::late(failure) } else { ReadFailure::early(failure) }
    };
    if failure.is_fatal {
        return Err(fail(failure));
    }
    let knowledge = &mut session.knowledge;
    match (failed, failure.number) {
        (Ask::Basics, Some(UNKNOWN_VARIABLE)) if !knowledge.basics_as_listing => {
            knowledge.basics_as_listing = true;
            knowledge.script = None;
            Ok(true)
        }
        (Ask::Basics | Ask::Replication, _) => Err(fail(failure)),
        // The plugin is gone, or never was: no failure.
        (Ask::Group | Ask::SemiSync, Some(UNKNOWN_VARIABLE | NO_SUCH_TABLE)) => {
            knowledge.forget_plugins();
            Ok(false)
        }
        _ => {
            let note = format!("{}: {}", failed.name(), failure.message);
            knowledge.refuse(failed, &failure, &note);
            answers.notes.push(note);
            Ok(false)
        }
    }
}
