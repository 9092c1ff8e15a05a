//! Looking for places in logs: an entry by its text, the last executed one, and the place on another server that equals
//! one here.
//!
//! Binary logs are compared by the names of transactions, relay logs of siblings by what both got from their source.

use std::collections::VecDeque;

use decide::log_events::{EventMeaning, event_meaning, is_same_event};
use model::{BinlogCoordinates, CoordinateKind, Instance, InstanceKey};
use ports::{Deadline, LogEvent, LogPage};

use crate::Engine;
use crate::operations::OperationError;
use crate::relocations::refused;

/// Empty relay logs passed over on the way back.
const EMPTY_LOGS_MAX: usize = 10;

/// Error of the server: there is no such log, or nothing at that place of it.
const ERROR_BINLOG_POSITION: u16 = 1220;

/// An event and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedEvent {
    /// Its place.
    pub at: BinlogCoordinates,
    /// The event.
    pub event: LogEvent,
}

/// A place in the relay log of one server and the equal one in that of its sibling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EqualRelayPlaces {
    /// The place here.
    pub own: BinlogCoordinates,
    /// The equal place there.
    pub other: BinlogCoordinates,
    /// Where the next event begins there.
    pub next: BinlogCoordinates,
}

/// Leafs through one log.
struct Reader<'e> {
    engine: &'e Engine,
    key: InstanceKey,
    page: LogPage,
    events: VecDeque<LogEvent>,
    is_at_end: bool,
}

impl<'e> Reader<'e> {
    fn new(engine: &'e Engine, key: &InstanceKey, log: &BinlogCoordinates) -> Self {
        let page = LogPage {
            kind: log.kind,
            file: log.file.clone(),
            from: None,
            skip: 0,
            limit: engine.compiled().settings.operations.events_chunk,
        };
        Self { engine, key: key.clone(), page, events: VecDeque::new(), is_at_end: false }
    }

    fn place(&self, event: &LogEvent) -> BinlogCoordinates {
        BinlogCoordinates::new(self.page.file.clone(), event.pos, self.page.kind)
    }

    /// The next event; `None` at the end of the log.
    async fn next(&mut self) -> Result<Option<LogEvent>, OperationError> {
        if self.events.is_empty() && !self.is_at_end {
            let deadline = Deadline::after(self.engine.catch_up_limit());
            let is_first = self.page.from.is_none() && self.page.skip == 0;
            let read = match self.engine.inner.ports.servers.log_events(&self.key, &self.page, deadline).await
            {
                // MariaDB refuses to read on from the very end of a log.
                Err(error) if error.number == Some(ERROR_BINLOG_POSITION) && !is_first => Vec::new(),
                read => read?,
            };
            self.is_at_end = read.len() < self.page.limit as usize;
            match (self.page.kind, read.last()) {
                (CoordinateKind::Binary, Some(last)) => self.page.from = Some(last.next),
                (CoordinateKind::Relay, Some(_)) => self.page.skip += u64::from(self.page.limit),
                (_, None) => {}
            }
            self.events = read.into();
        }
        Ok(self.events.pop_front())
    }
}

impl Engine {
    /// The place of the first binary log entry with exactly this text, in the newest log that has one.
    ///
    /// # Errors
    /// There is none, or the logs cannot be read.
    pub async fn find_log_entry(
        &self,
        key: &InstanceKey,
        text: &str,
    ) -> Result<BinlogCoordinates, OperationError> {
        let instance = self.fresh(key).await?;
        for log in self.logs_backwards(&instance).await? {
            let mut reader = Reader::new(self, &instance.key, &log);
            while let Some(event) = reader.next().await? {
                if event.info == text {
                    return Ok(reader.place(&event));
                }
            }
        }
        refused(format!(
            "Cannot match pseudo GTID entry in binlogs of {}: no entry has this text",
            instance.key
        ))
    }

    /// The event of the relay log that the applier executed last.
    ///
    /// # Errors
    /// The server is no replica, or its relay logs hold nothing it executed.
    pub async fn last_executed_relay_event(&self, key: &InstanceKey) -> Result<PlacedEvent, OperationError> {
        let instance = self.fresh(key).await?;
        self.last_relay_event(&instance).await
    }

    async fn last_relay_event(&self, instance: &Instance) -> Result<PlacedEvent, OperationError> {
        let executed = &instance.replication.relay;
        if executed.is_empty() {
            return refused(format!("{} has no relay log", instance.key));
        }
        let mut log = BinlogCoordinates::relay(executed.file.clone(), executed.pos);
        for _ in 0..EMPTY_LOGS_MAX {
            let mut reader = Reader::new(self, &instance.key, &log);
            let mut last = None;
            loop {
                let event = match reader.next().await {
                    Ok(Some(event)) => event,
                    Ok(None) => break,
                    // An applier removes a log once it is done with it, and tells its place a moment later.
                    Err(error) if log.file != executed.file => {
                        return refused(format!(
                            "{} executed nothing of {} yet, and what came before it is gone: {error}",
                            instance.key, executed.file
                        ));
                    }
                    Err(error) => return Err(error),
                };
                if log.file == executed.file && event.pos >= executed.pos {
                    break;
                }
                if event_meaning(&event.kind, &event.info) != EventMeaning::Between {
                    last = Some(PlacedEvent { at: reader.place(&event), event });
                }
            }
            match (last, log.previous_file()) {
                (Some(found), _) => return Ok(found),
                (None, Ok(previous)) => log = previous,
                (None, Err(_)) => break,
            }
        }
        refused(format!("no event in the relay logs of {} was executed", instance.key))
    }

    /// The place in the relay log of a sibling that equals one here: the given one, or the last executed.
    ///
    /// # Errors
    /// They have different sources, or there is no equal event.
    pub async fn equal_relay_place(
        &self,
        key: &InstanceKey,
        other: &InstanceKey,
        at: Option<&BinlogCoordinates>,
    ) -> Result<EqualRelayPlaces, OperationError> {
        let (instance, other) = (self.fresh(key).await?, self.fresh(other).await?);
        if instance.primary_key != other.primary_key || !instance.is_replica() {
            return refused(format!(
                "CorrelateRelaylogCoordinates requires sibling instances, however {} has master {}, and {} has master {}",
                instance.key, instance.primary_key, other.key, other.primary_key
            ));
        }
        let own = match at {
            None => self.last_relay_event(&instance).await?,
            Some(at) => {
                self.event_at(&instance.key, &BinlogCoordinates::relay(at.file.clone(), at.pos)).await?
            }
        };
        for log in self.relay_logs_backwards(&other).await {
            let mut reader = Reader::new(self, &other.key, &log);
            while let Some(event) = reader.next().await? {
                let is_equal = event.next == own.event.next
                    && is_same_event((&event.kind, &event.info), (&own.event.kind, &own.event.info));
                if is_equal {
                    let found = reader.place(&event);
                    let next = match reader.next().await? {
                        Some(next) => reader.place(&next),
                        None => self.first_of_next(&other.key, &log).await?,
                    };
                    return Ok(EqualRelayPlaces { own: own.at, other: found, next });
                }
            }
        }
        refused(format!(
            "the relay logs of {} do not hold the event of {} at {}",
            other.key, instance.key, own.at
        ))
    }

    async fn event_at(
        &self,
        key: &InstanceKey,
        at: &BinlogCoordinates,
    ) -> Result<PlacedEvent, OperationError> {
        let mut reader = Reader::new(self, key, at);
        while let Some(event) = reader.next().await? {
            if event.pos == at.pos {
                return Ok(PlacedEvent { at: at.clone(), event });
            }
            if event.pos > at.pos {
                break;
            }
        }
        refused(format!("no event begins at {at} on {key}"))
    }

    async fn first_of_next(
        &self,
        key: &InstanceKey,
        log: &BinlogCoordinates,
    ) -> Result<BinlogCoordinates, OperationError> {
        if let Ok(next) = log.next_file() {
            let mut reader = Reader::new(self, key, &next);
            if let Ok(Some(event)) = reader.next().await {
                return Ok(reader.place(&event));
            }
        }
        refused(format!("the equal event is the last one in the relay logs of {key}; none follows yet"))
    }

    /// The place in the binary log of another server that equals one here: the given one, or the present one. What
    /// begins there on both servers is the same.
    ///
    /// # Errors
    /// This server has no binary log, the place is in no transaction with a name, or the other server lacks it.
    pub async fn equal_log_place(
        &self,
        key: &InstanceKey,
        other: &InstanceKey,
        at: Option<&BinlogCoordinates>,
    ) -> Result<BinlogCoordinates, OperationError> {
        let instance = self.fresh(key).await?;
        if !instance.log_bin {
            return refused(format!("Instance does not have binary logs: {}", instance.key));
        }
        let at = at.unwrap_or(&instance.self_coordinates);
        let wanted = self.position_in_transaction(&instance, at).await?;
        let other = self.fresh(other).await?;
        for log in self.logs_backwards(&other).await? {
            let mut reader = Reader::new(self, &other.key, &log);
            while let Some(event) = reader.next().await? {
                if event_meaning(&event.kind, &event.info) == EventMeaning::Begins(wanted.name.clone()) {
                    return walk(&mut reader, event, &wanted).await;
                }
            }
        }
        refused(format!(
            "the binary logs of {} do not hold the transaction {} of {}",
            other.key, wanted.name, instance.key
        ))
    }

    /// Which transaction a place is in, and how far.
    async fn position_in_transaction(
        &self,
        instance: &Instance,
        at: &BinlogCoordinates,
    ) -> Result<Wanted, OperationError> {
        let mut log = BinlogCoordinates::binary(at.file.clone(), at.pos);
        loop {
            let mut reader = Reader::new(self, &instance.key, &log);
            let (mut name, mut index) = (None, 0);
            while let Some(event) = reader.next().await? {
                let meaning = event_meaning(&event.kind, &event.info);
                let is_in_file = log.file == at.file;
                if is_in_file && event.pos == at.pos && meaning == EventMeaning::Inside {
                    return named(name, Some((index + 1, event)), at, instance);
                }
                match meaning {
                    EventMeaning::Begins(begun) if is_in_file && event.pos == at.pos => {
                        return Ok(Wanted { name: begun, event: Some((0, event)) });
                    }
                    _ if is_in_file && event.pos >= at.pos => break,
                    EventMeaning::Begins(begun) => (name, index) = (Some(begun), 0),
                    EventMeaning::BeginsUnnamed => (name, index) = (None, 0),
                    EventMeaning::Inside => index += 1,
                    EventMeaning::Between => {}
                }
                if is_in_file && event.pos < at.pos && event.next > at.pos {
                    return refused(format!("no event begins at {at} on {}", instance.key));
                }
            }
            match (name, log.previous_file()) {
                (Some(name), _) => return Ok(Wanted { name, event: None }),
                (None, Ok(previous)) if is_listed(&self.logs_backwards(instance).await?, &previous) => {
                    log = previous;
                }
                (None, _) => return named(None, None, at, instance),
            }
        }
    }

    /// Binary logs, newest first.
    async fn logs_backwards(&self, instance: &Instance) -> Result<Vec<BinlogCoordinates>, OperationError> {
        let deadline = Deadline::after(self.catch_up_limit());
        let logs = self.inner.ports.servers.binary_logs(&instance.key, deadline).await?;
        Ok(logs.into_iter().rev().map(|log| BinlogCoordinates::binary(log.file, 0)).collect())
    }

    /// Relay logs that exist, newest first: those after the one being executed, it, and those before.
    async fn relay_logs_backwards(&self, instance: &Instance) -> Vec<BinlogCoordinates> {
        let executed = BinlogCoordinates::relay(instance.replication.relay.file.clone(), 0);
        let mut logs = vec![executed.clone()];
        let mut newest = executed.clone();
        while let Ok(next) = newest.next_file() {
            if Reader::new(self, &instance.key, &next).next().await.is_err() {
                break;
            }
            logs.insert(0, next.clone());
            newest = next;
        }
        let mut oldest = executed;
        while let Ok(previous) = oldest.previous_file() {
            if Reader::new(self, &instance.key, &previous).next().await.is_err() {
                break;
            }
            logs.push(previous.clone());
            oldest = previous;
        }
        logs
    }
}

/// A place told by the transaction it is in.
struct Wanted {
    name: String,
    /// The event that begins there, and its number in the transaction; `None` for the end of the transaction.
    event: Option<(usize, LogEvent)>,
}

fn named(
    name: Option<String>,
    event: Option<(usize, LogEvent)>,
    at: &BinlogCoordinates,
    instance: &Instance,
) -> Result<Wanted, OperationError> {
    match name {
        Some(name) => Ok(Wanted { name, event }),
        None => refused(format!(
            "{at} on {} is in or behind no transaction with a GTID, by which the place could be found elsewhere",
            instance.key
        )),
    }
}

fn is_listed(logs: &[BinlogCoordinates], log: &BinlogCoordinates) -> bool {
    logs.iter().any(|listed| listed.file == log.file)
}

/// From the beginning of the transaction to the wanted event, or to its end.
async fn walk(
    reader: &mut Reader<'_>,
    first: LogEvent,
    wanted: &Wanted,
) -> Result<BinlogCoordinates, OperationError> {
    let (mut index, mut current) = (0, first);
    loop {
        match &wanted.event {
            Some((at, own)) if *at == index => {
                if index > 0 && !is_same_event((&current.kind, &current.info), (&own.kind, &own.info)) {
                    return refused(format!(
                        "Mismatching entries, aborting: {} <-> {}",
                        own.info, current.info
                    ));
                }
                return Ok(reader.place(&current));
            }
            Some(_) | None => {}
        }
        let following = reader.next().await?;
        let is_inside = following
            .as_ref()
            .is_some_and(|event| event_meaning(&event.kind, &event.info) == EventMeaning::Inside);
        match following {
            Some(event) if is_inside => (index, current) = (index + 1, event),
            _ if wanted.event.is_none() => {
                return Ok(BinlogCoordinates::binary(reader.page.file.clone(), current.next));
            }
            _ => return refused(format!("transaction {} has fewer events on {}", wanted.name, reader.key)),
        }
    }
}
