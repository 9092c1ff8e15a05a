//! Reading a MaxScale binlog server: few statements, each in its own request.

use model::{Instance, Observation, ReadProgress};
use ports::{Deadline, ErrorClass};

use super::asks::{Answers, Ask, UserQuery};
use super::{ReadFailure, Subject, build, detect, replicas, replication};
use crate::errors::Failure;
use crate::session::Session;
use crate::statements;
use crate::tables::Table;

/// This version reports a wrong source and counts as receiving only while it really dumps.
const UNRELIABLE_VERSION: &str = "1.1.0";

/// Reads the binlog server.
pub(super) async fn read(
    session: &mut Session,
    subject: &Subject<'_>,
    deadline: Deadline,
) -> Result<Observation, ReadFailure> {
    let early = ReadFailure::early;
    let caps = session.greeting.capabilities;
    let is_unreliable = session.greeting.version.text.contains(UNRELIABLE_VERSION);
    let status = session.one(statements::replication_status(&caps), deadline).await.map_err(early)?;
    let Some(row) = status.first() else {
        let message = format!("No 'SHOW SLAVE STATUS' output found for a MaxScale instance: {}", subject.key);
        return Err(early(Failure::own(ErrorClass::Protocol, message)));
    };
    let mut instance = relay(session, subject);
    build::fill_replication(&mut instance, subject, &status, None, &mut Vec::new()).map_err(
        |mut failure| {
            failure.progress = ReadProgress::Nothing;
            failure
        },
    )?;
    if is_unreliable && row.owned(&["Slave_IO_State", "Replica_IO_State"]) != "Binlog Dump" {
        instance.replication.io_thread = model::ThreadState::Stopped;
    }
    let server_id = if is_unreliable { "select @@server_id" } else { "select @@global.server_id" };
    instance.server_id =
        value(session, server_id, deadline).await?.and_then(|id| id.parse().ok()).unwrap_or(0);
    if is_unreliable {
        if let Some(host) = value(session, "select @@hostname", deadline).await? {
            instance.primary_key = model::InstanceKey::new(host, instance.primary_key.port());
        }
    } else {
        let uuid = value(session, "select @@global.server_uuid", deadline).await?;
        instance.server_uuid = uuid.unwrap_or_default();
    }
    let mut answers = Answers::default();
    ask(session, Ask::Replicas, statements::list_replicas(&caps), &mut answers, deadline).await?;
    let pseudo_gtid = UserQuery::PseudoGtid.text(subject);
    if !pseudo_gtid.is_empty() {
        ask(session, Ask::User(UserQuery::PseudoGtid), pseudo_gtid, &mut answers, deadline).await?;
    }
    instance.replicas = replicas::read(&answers, subject.key, subject.options);
    let detected = detect::read(&mut answers, subject.key.port());
    instance.pseudo_gtid = detected.pseudo_gtid.unwrap_or(false);
    instance.replication.has_credentials = !replication::user(row).is_empty();
    let own_name = subject.key.hostname().to_owned();
    Ok(Observation { instance, own_name, detected, incomplete: answers.notes })
}

/// What holds for every binlog server.
fn relay(session: &Session, subject: &Subject<'_>) -> Instance {
    let mut instance = Instance::unknown(subject.key.clone());
    instance.version = session.greeting.version.clone();
    instance.binlog_format = "INHERIT".to_owned();
    instance.read_only = true;
    instance.log_bin = true;
    instance.log_replica_updates = true;
    instance
}

/// A single value; `None` when the server does not know the variable.
async fn value(session: &mut Session, sql: &str, deadline: Deadline) -> Result<Option<String>, ReadFailure> {
    match session.one(sql, deadline).await {
        Ok(table) => Ok(table.first().and_then(|row| row.at(0)).map(std::borrow::Cow::into_owned)),
        Err(failure) if failure.is_fatal => Err(ReadFailure::late(failure)),
        Err(_) => Ok(None),
    }
}

async fn ask(
    session: &mut Session,
    ask: Ask,
    sql: &str,
    answers: &mut Answers,
    deadline: Deadline,
) -> Result<(), ReadFailure> {
    match session.one(sql, deadline).await {
        Ok(table) => {
            let tables: Vec<Table> = vec![table];
            answers.add(&[ask], tables);
            Ok(())
        }
        Err(failure) if failure.is_fatal => Err(ReadFailure::late(failure)),
        Err(failure) => {
            answers.notes.push(format!("{}: {}", ask.name(), failure.message));
            Ok(())
        }
    }
}
