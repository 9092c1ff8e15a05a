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
use ports::{Deadline, ErrorClass, ProbeRequest};

pub(crate) use knowledge::{Knowledge, Naming};
pub(crate) use replication::{choose_channel, is_applier_idle, read as read_replication, source_key};

use self::asks::{Answers, Ask};
use crate::capabilities::Family;
use crate::errors::{Failure, NO_SUCH_TABLE, UNKNOWN_VARIABLE};
use crate::memory::Memory;
use crate::options::MySqlOptions;
use crate::session::Session;

/// How long a statement that a server refuses is not sent again on the same connection.
const REFUSAL_TTL: Duration = Duration::from_secs(120);
/// Longest wait for the position in the binary log on a server with semi-sync, and how long it is not asked after that.
const BINARY_LOG_TIME: Duration = Duration::from_millis(500);
const BINARY_LOG_REST: Duration = Duration::from_secs(30);

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
    if !first.contains(&Ask::BinaryLog) {
        ask_binary_log(session, subject, &mut answers, deadline).await?;
    }
    subject.memory.note_semi_sync(session.knowledge.semi_sync_on);
    build::observation(session, subject, answers)
}

/// Asks for the position in the binary log by itself: while commits wait for semi-sync replicas, a server does not answer
/// that, and everything else it does.
async fn ask_binary_log(
    session: &mut Session,
    subject: &Subject<'_>,
    answers: &mut Answers,
    deadline: Deadline,
) -> Result<(), ReadFailure> {
    const NOTE: &str = "binary log status: no answer in time, as when commits wait for semi-sync replicas";
    if session.knowledge.without_refused(&[Ask::BinaryLog], answers).is_empty() {
        return Ok(());
    }
    if subject.memory.is_binary_log_resting() {
        answers.notes.push(NOTE.to_owned());
        return Ok(());
    }
    let statement = crate::statements::binary_log_status(session.capabilities());
    match session.one(statement, deadline.at_most(BINARY_LOG_TIME)).await {
        Ok(table) => answers.add(&[Ask::BinaryLog], vec![table]),
        Err(failure) if failure.class == ErrorClass::TimedOut => {
            subject.memory.rest_binary_log(BINARY_LOG_REST);
            answers.notes.push(NOTE.to_owned());
        }
        Err(failure) => {
            settle(session, Ask::BinaryLog, failure, answers)?;
        }
    }
    Ok(())
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
