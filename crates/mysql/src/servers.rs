//! [`MySqlServers`]: one place per observed server with its few kept connections.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use model::{Action, InstanceKey, Observation, Secret};
use ports::{
    ActionError, ActionOutcome, BinaryLog, Deadline, ErrorClass, LogEvent, LogPage, LostConnection,
    ProbeError, ProbeRequest, Servers,
};
use tokio::time::Instant;

use crate::act::{self, Work};
use crate::connect::{Connector, Lane, reject_invalid};
use crate::errors::Failure;
use crate::memory::Memory;
use crate::options::MySqlOptions;
use crate::probe::{self, ReadFailure, Subject};
use crate::session::Session;
use crate::{statements, watch};

/// Reads of one server at the same time: one, and others that must not wait for one that hangs.
const READS_PER_SERVER: usize = 3;
/// How old a spare connection may become.
const SPARE_LIFE: Duration = Duration::from_secs(300);
/// How often the age of a spare connection is looked at.
const SPARE_LOOK: Duration = Duration::from_secs(5);
/// Actions on one server at the same time.
const ACTIONS_PER_SERVER: usize = 2;

struct Place {
    reads: Lane,
    actions: Lane,
    /// A connection that stays idle until a server has to be made read-only: one that hangs accepts no new ones, and finds
    /// what was sent over this one when it goes on.
    spare: Lane,
    memory: Memory,
}

/// What one configuration says about access, and what was found out with it.
pub(crate) struct Access {
    pub(crate) options: MySqlOptions,
    pub(crate) connector: Connector,
}

impl Access {
    /// A kept connection, or a new one.
    async fn session(&self, lane: &Lane, key: &InstanceKey, deadline: Deadline) -> Result<Session, Failure> {
        match lane.take(self.options.connection_lifetime) {
            Some(session) => Ok(session),
            None => self.connector.open(key, &self.options, deadline).await,
        }
    }

    fn new(options: MySqlOptions) -> std::io::Result<Arc<Self>> {
        let tls = &options.tls;
        for file in [&tls.ca_file, &tls.cert_file, &tls.key_file].into_iter().flatten() {
            std::fs::metadata(file)
                .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
        }
        Ok(Arc::new(Self { options, connector: Connector::new() }))
    }
}

/// Access to MySQL, MariaDB and Percona servers.
pub struct MySqlServers {
    access: RwLock<Arc<Access>>,
    places: Mutex<BTreeMap<InstanceKey, Arc<Place>>>,
    watches: watch::Watches,
}

impl MySqlServers {
    /// Access with these options. TLS files are read when the first connection is made.
    ///
    /// # Errors
    /// A TLS file that is configured does not exist.
    pub fn new(options: MySqlOptions) -> std::io::Result<Self> {
        Ok(Self::with(Access::new(options)?))
    }

    /// As [`Self::new`], for work that may need no server: a TLS file that does not exist is an error of the connections
    /// that need it.
    pub fn lenient(options: MySqlOptions) -> Self {
        Self::with(Arc::new(Access { options, connector: Connector::new() }))
    }

    fn with(access: Arc<Access>) -> Self {
        Self { access: RwLock::new(access), places: Mutex::default(), watches: watch::Watches::default() }
    }

    /// Takes over other options (reload). What is going on ends as it began; everything begun later uses connections
    /// made with the new options.
    ///
    /// # Errors
    /// A TLS file that is configured does not exist; the former options stay in force.
    pub fn reconfigure(&self, options: MySqlOptions) -> std::io::Result<()> {
        let access = Access::new(options)?;
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        // Connections in use are put back to places that nobody looks into any more.
        let former = std::mem::take(&mut *self.places.lock().unwrap_or_else(PoisonError::into_inner));
        for place in former.values() {
            place.reads.close();
            place.actions.close();
            place.spare.close();
        }
        Ok(())
    }

    fn access(&self) -> Arc<Access> {
        self.access.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn place(&self, key: &InstanceKey) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places
            .entry(key.clone())
            .or_insert_with(|| {
                Arc::new(Place {
                    reads: Lane::new(READS_PER_SERVER),
                    actions: Lane::new(ACTIONS_PER_SERVER),
                    spare: Lane::new(1),
                    memory: Memory::default(),
                })
            })
            .clone()
    }

    async fn read(
        &self,
        key: &InstanceKey,
        request: &ProbeRequest,
        deadline: Deadline,
    ) -> Result<Observation, ReadFailure> {
        reject_invalid(key).map_err(ReadFailure::early)?;
        let (access, place) = (self.access(), self.place(key));
        let _permit = place.reads.enter(deadline).await.map_err(ReadFailure::early)?;
        let subject = Subject { key, options: &access.options, request, memory: &place.memory };
        loop {
            let mut session =
                access.session(&place.reads, key, deadline).await.map_err(ReadFailure::early)?;
            let outcome = probe::read(&mut session, &subject, deadline).await;
            match outcome {
                // The server closed an idle connection: that says nothing about its health.
                Err(lost) if session.is_reused && lost.failure.is_lost_connection() => {}
                outcome => {
                    place.reads.put(session);
                    return outcome;
                }
            }
        }
    }

    /// Does a job on the server over an operations connection; a connection lost while idle is replaced.
    async fn run(&self, key: &InstanceKey, deadline: Deadline, job: Job<'_>) -> Result<Done, Failure> {
        reject_invalid(key)?;
        let (access, place) = (self.access(), self.place(key));
        let deadline = deadline.at_most(access.options.operation_timeout);
        let _permit = place.actions.enter(deadline).await?;
        loop {
            let spare = if job.is_fence() { place.spare.take(None) } else { None };
            let mut session = match spare {
                Some(session) => session,
                None => access.session(&place.actions, key, deadline).await?,
            };
            let (is_reused, asked_before) = (session.is_reused, session.requests);
            let mut current = Work { session: &mut session, deadline, sent: Vec::new() };
            let outcome = job.run(&mut current).await;
            let sent = std::mem::take(&mut current.sent);
            match outcome {
                // Lost at the first request: it was closed while idle. All actions may be repeated.
                Err(lost)
                    if is_reused && lost.is_lost_connection() && session.requests <= asked_before + 1 => {}
                outcome => {
                    place.actions.put(session);
                    return outcome.map(|answer| Done { answer, statements: sent });
                }
            }
        }
    }

    /// Keeps a spare connection to a server for as long as it is watched. The old one stays until a new one is made.
    async fn keep_spare(&self, key: &InstanceKey) -> std::convert::Infallible {
        loop {
            let (access, place) = (self.access(), self.place(key));
            if !place.spare.has_younger(SPARE_LIFE) {
                let deadline = Deadline::after(access.options.connect_timeout);
                // Without one a new connection is made when it is needed.
                if let Ok(session) = access.connector.open(key, &access.options, deadline).await {
                    place.spare.close();
                    place.spare.put(session);
                }
            }
            tokio::time::sleep(SPARE_LOOK).await;
        }
    }

    fn refuse_noop(&self, what: &str) -> Result<(), Failure> {
        if self.access().options.noop {
            return Err(Failure::own(
                ErrorClass::Rejected,
                format!("noop: aborting {what}; signalling error but nothing went wrong."),
            ));
        }
        Ok(())
    }
}

/// Something to do on a server.
#[derive(Clone, Copy)]
enum Job<'a> {
    Act(&'a Action),
    ReadCredentials { own_query: &'a str },
    SetCredentials { user: &'a str, password: &'a Secret },
    ListBinaryLogs,
    ReadLog(&'a LogPage),
    TryWrite { schema: &'a str },
}

/// What a job tells.
enum Answer {
    Nothing,
    Credentials(Option<(String, Secret)>),
    BinaryLogs(Vec<BinaryLog>),
    Events(Vec<LogEvent>),
}

struct Done {
    answer: Answer,
    statements: Vec<String>,
}

impl Job<'_> {
    /// It must reach the server even if that answers nothing at the moment.
    fn is_fence(&self) -> bool {
        matches!(self, Self::Act(Action::SetReadOnly { on: true, .. }))
    }

    async fn run(self, work: &mut Work<'_>) -> Result<Answer, Failure> {
        match self {
            Self::Act(action) => act::perform(work, action).await.map(|()| Answer::Nothing),
            Self::SetCredentials { user, password } => {
                act::set_credentials(work, user, password).await.map(|()| Answer::Nothing)
            }
            Self::ReadCredentials { own_query } => {
                read_credentials(work, own_query).await.map(Answer::Credentials)
            }
            Self::ListBinaryLogs => act::binary_logs(work).await.map(Answer::BinaryLogs),
            Self::ReadLog(page) => act::log_events(work, page).await.map(Answer::Events),
            Self::TryWrite { schema } => act::try_write(work, schema).await.map(|()| Answer::Nothing),
        }
    }
}

/// The operator's query decides when there is one; else the server's own tables, where it has them.
async fn read_credentials(work: &mut Work<'_>, own_query: &str) -> Result<Option<(String, Secret)>, Failure> {
    let capabilities = work.session.capabilities();
    let statement = if !own_query.is_empty() {
        own_query.to_owned()
    } else if capabilities.credentials_table {
        statements::credentials(capabilities)
    } else {
        return Ok(None);
    };
    let answer = work.ask(&statement).await?;
    let Some(row) = answer.first() else { return Ok(None) };
    let user = row.at(0).unwrap_or_default().into_owned();
    let password = row.at(1).unwrap_or_default().into_owned();
    Ok((!user.is_empty()).then(|| (user, Secret::new(password))))
}

fn action_error(key: &InstanceKey, action: &str, failure: Failure) -> ActionError {
    ActionError {
        key: key.clone(),
        action: action.to_owned(),
        class: failure.class,
        number: failure.number,
        message: failure.message,
        is_sent: !failure.is_early,
    }
}

#[async_trait]
impl Servers for MySqlServers {
    async fn probe(
        &self,
        key: &InstanceKey,
        request: &ProbeRequest,
        deadline: Deadline,
    ) -> Result<Observation, ProbeError> {
        let access = self.access();
        let longest = access.options.connect_timeout + access.options.discovery_read_timeout;
        let deadline = deadline.at_most(longest);
        let read = tokio::time::timeout_at(deadline.instant(), self.read(key, request, deadline)).await;
        let outcome =
            read.unwrap_or_else(|_| Err(ReadFailure::early(Failure::timed_out("reading the server"))));
        let mut failed = match outcome {
            Ok(observation) => return Ok(observation),
            Err(failed) => failed,
        };
        if failed.failure.class == ErrorClass::TimedOut && !crate::connect::accepts(key).await {
            failed.failure.class = ErrorClass::Unanswered;
        }
        Err(ProbeError {
            key: key.clone(),
            progress: failed.progress,
            class: failed.failure.class,
            number: failed.failure.number,
            message: failed.failure.message,
            skipped_by_filter: failed.skipped_by_filter,
        })
    }

    async fn act(
        &self,
        key: &InstanceKey,
        action: &Action,
        deadline: Deadline,
    ) -> Result<ActionOutcome, ActionError> {
        let began = Instant::now();
        if *action == Action::Probe {
            let observation =
                self.probe(key, &ProbeRequest::default(), deadline).await.map_err(|error| ActionError {
                    key: key.clone(),
                    action: action.to_string(),
                    class: error.class,
                    number: error.number,
                    message: error.message,
                    is_sent: true,
                })?;
            return Ok(ActionOutcome {
                observation: Some(Box::new(observation)),
                elapsed: began.elapsed(),
                statements: Vec::new(),
            });
        }
        if action.is_change() {
            self.refuse_noop(&action.to_string()).map_err(|f| action_error(key, &action.to_string(), f))?;
        }
        let outcome = self.run(key, deadline, Job::Act(action)).await;
        let done = outcome.map_err(|failure| action_error(key, &action.to_string(), failure))?;
        Ok(ActionOutcome { observation: None, elapsed: began.elapsed(), statements: done.statements })
    }

    async fn watch(&self, key: &InstanceKey, on_late: &(dyn Fn() + Send + Sync)) -> LostConnection {
        let _watching = self.watches.enter();
        tokio::select! {
            biased;
            lost = watch::until_lost(key, || self.access(), &self.watches, on_late) => lost,
            never = self.keep_spare(key) => match never {},
        }
    }

    async fn forget(&self, key: &InstanceKey) {
        let place = self.places.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        if let Some(place) = place {
            place.reads.close();
            place.actions.close();
            place.spare.close();
        }
        self.access().connector.forget(key);
    }

    async fn replication_credentials(
        &self,
        key: &InstanceKey,
        deadline: Deadline,
    ) -> Result<Option<(String, Secret)>, ActionError> {
        let access = self.access();
        let own_query = access.options.queries.replication_credentials.trim().trim_end_matches(';');
        let outcome = self.run(key, deadline, Job::ReadCredentials { own_query }).await;
        let done = outcome.map_err(|f| action_error(key, "read replication credentials", f))?;
        Ok(match done.answer {
            Answer::Credentials(found) => found,
            Answer::Nothing | Answer::BinaryLogs(_) | Answer::Events(_) => None,
        })
    }

    async fn set_replication_credentials(
        &self,
        key: &InstanceKey,
        user: &str,
        password: &Secret,
        deadline: Deadline,
    ) -> Result<(), ActionError> {
        let action = "set the replication account";
        self.refuse_noop(action).map_err(|failure| action_error(key, action, failure))?;
        let outcome = self.run(key, deadline, Job::SetCredentials { user, password }).await;
        outcome.map(|_| ()).map_err(|failure| action_error(key, action, failure))
    }

    async fn log_events(
        &self,
        key: &InstanceKey,
        page: &LogPage,
        deadline: Deadline,
    ) -> Result<Vec<LogEvent>, ActionError> {
        let outcome = self.run(key, deadline, Job::ReadLog(page)).await;
        let done = outcome.map_err(|f| action_error(key, &format!("read {}", page.file), f))?;
        Ok(match done.answer {
            Answer::Events(events) => events,
            Answer::Nothing | Answer::Credentials(_) | Answer::BinaryLogs(_) => Vec::new(),
        })
    }

    async fn try_write(
        &self,
        key: &InstanceKey,
        schema: &str,
        deadline: Deadline,
    ) -> Result<(), ActionError> {
        let action = "write";
        self.refuse_noop(action).map_err(|failure| action_error(key, action, failure))?;
        let work = self.run(key, deadline, Job::TryWrite { schema });
        let outcome = tokio::time::timeout_at(deadline.instant(), work).await;
        let outcome = outcome.unwrap_or_else(|_| Err(Failure::timed_out("writing")));
        outcome.map(|_| ()).map_err(|failure| action_error(key, action, failure))
    }

    async fn binary_logs(
        &self,
        key: &InstanceKey,
        deadline: Deadline,
    ) -> Result<Vec<BinaryLog>, ActionError> {
        let outcome = self.run(key, deadline, Job::ListBinaryLogs).await;
        let done = outcome.map_err(|failure| action_error(key, "list binary logs", failure))?;
        Ok(match done.answer {
            Answer::BinaryLogs(logs) => logs,
            Answer::Nothing | Answer::Credentials(_) | Answer::Events(_) => Vec::new(),
        })
    }
}
