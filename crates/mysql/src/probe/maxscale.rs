//! Reading a MaxScale binlog server: a handful of statements, one at a time.

use model::{Instance, Observation};
use ports::{Deadline, ErrorClass};

use super::asks::Answers;
use super::{ReadFailure, Subject, replicas, replication};
use crate::errors::Failure;
use crate::session::Session;
use crate::statements;

/// What a binlog server answers; it has no variables, no GTID and no detection queries.
pub(super) async fn read(
    session: &mut Session,
    subject: &Subject<'_>,
    deadline: Deadline,
) -> Result<Observation, ReadFailure> {
    let mut instance = Instance::unknown(subject.key.clone());
    instance.version = session.greeting.version.clone();
    instance.binlog_format = "INHERIT".to_owned();
    instance.read_only = true;
    instance.log_bin = true;
    instance.log_replica_updates = true;
    let status = session.one("show slave status", deadline).await.map_err(ReadFailure::early)?;
    let Some((row, channel)) = replication::choose_channel(&status) else {
        let message = format!("No 'SHOW SLAVE STATUS' output found for a MaxScale instance: {}", subject.key);
        return Err(ReadFailure::early(Failure::own(ErrorClass::Protocol, message)));
    };
    instance.primary_key = replication::source_of(&row);
    instance.replication = replication::read(&row, &channel, None);
    instance.lag_seconds = instance.replication.seconds_behind;
    let mut answers = Answers::default();
    match session.one("select @@global.server_id", deadline).await {
        Ok(table) => {
            let id = table.first().and_then(|row| row.at(0)).and_then(|text| text.parse().ok());
            instance.server_id = id.unwrap_or(0);
        }
        Err(failure) if failure.is_fatal => return Err(ReadFailure::early(failure)),
        Err(failure) => answers.notes.push(format!("server id: {}", failure.message)),
    }
    let caps = session.capabilities().to_owned();
    match session.one(statements::list_replicas(&caps), deadline).await {
        Ok(list) => instance.replicas = replicas::read(subject, subject.key, Some(&list), None),
        Err(failure) if failure.is_fatal => return Err(ReadFailure::early(failure)),
        Err(failure) => answers.notes.push(format!("list of replicas: {}", failure.message)),
    }
    Ok(Observation {
        own_name: subject.key.hostname().to_owned(),
        instance,
        detected: model::Detected::default(),
        incomplete: answers.notes,
    })
}
