//! The active node of a shared backend: one row of `active_node`, renewed each second, lost after five.
//!
//! The row says who may act by the backend's clock; this process judges by its own, from the moment *before* it asked
//! for the renewal, and with a margin: it stops acting before anybody else can take over, even when the backend does
//! not answer. Who takes the row away from a node that may still be acting (a forced election) waits until that node's
//! time is over in any case.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::NodeIdentity;
use ports::{Deadline, Lease, StoreError};
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::MySqlStore;
use super::work::Kind;
use crate::sql::{self, Db};

/// The row is another node's for the taking when it was not renewed for this long, in whole seconds of the backend's
/// clock: never sooner, up to a second later.
const LEASE: Duration = Duration::from_secs(5);
/// How much earlier than that the holder stops by its own clock.
const MARGIN: Duration = Duration::from_secs(1);
/// Time between two attempts.
const TICK: Duration = Duration::from_secs(1);
/// An attempt that takes longer has failed; the next one uses another connection.
const ATTEMPT_MAX: Duration = Duration::from_secs(2);

const RENEW: &str =
    "update active_node set last_seen_active = now() where anchor = 1 and hostname = ? and token = ?";
const TAKE_OVER: &str =
    "update active_node set hostname = ?, token = ?, first_seen_active = now(), last_seen_active = now()
     where anchor = 1 and last_seen_active < now() - interval 5 second";
const INSERT: &str =
    "insert ignore into active_node (anchor, hostname, token, first_seen_active, last_seen_active)
     values (1, ?, ?, now(), now())";
const GRAB: &str = "replace into active_node (anchor, hostname, token, first_seen_active, last_seen_active)
     values (1, ?, ?, now(), now())";
/// Free at once, because the holder has stopped acting.
const RELEASE: &str = "update active_node set last_seen_active = '1971-01-01 00:00:00'
     where anchor = 1 and hostname = ? and token = ?";
/// What the original does. The next holder waits, because the row does not tell any more how long this one may act.
const VACATE: &str = "delete from active_node where anchor = 1";

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Election {
    /// The row was and is ours.
    Renewed,
    /// The former holder's time is over.
    TakenOver,
    /// There was no row: nobody knows how long a former holder may act.
    Inserted,
    /// It is another node's.
    Lost,
}

#[derive(Debug, Default)]
struct Term {
    /// Whether the last attempt that got an answer was successful.
    is_ours: bool,
    /// May act from here,
    from: Option<Instant>,
    /// up to here.
    until: Option<Instant>,
}

/// The right of this process to act on a shared backend.
pub struct ActiveNodeLease {
    store: Arc<MySqlStore>,
    node: NodeIdentity,
    term: Mutex<Term>,
    /// Whose turn it is to change the row and the term.
    turn: Arc<Turns<()>>,
}

/// A statement that has begun is carried out even when nobody waits for it any more. Holding on to this until then keeps
/// a renewal from following a release.
type Turn = Arc<OwnedMutexGuard<()>>;

impl ActiveNodeLease {
    /// A lease that is not held yet; see [`ActiveNodeLease::keep_forever`].
    pub fn new(store: Arc<MySqlStore>, node: NodeIdentity) -> Self {
        Self { store, node, term: Mutex::default(), turn: Arc::default() }
    }

    /// Tries each second to get or to keep the right to act.
    pub async fn keep_forever(self: Arc<Self>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut was_held, mut was_failing) = (false, false);
        loop {
            tick.tick().await;
            match self.attempt().await {
                Ok(()) => was_failing = false,
                Err(error) if !was_failing => {
                    was_failing = true;
                    warn!(error = %error, "the active node could not be elected; this node stops acting when its time is over");
                }
                Err(_) => {}
            }
            let is_held = self.is_held();
            if is_held != was_held {
                info!(
                    active = is_held,
                    "this node {}",
                    if is_held { "is active now" } else { "is no longer active" }
                );
                was_held = is_held;
            }
        }
    }

    /// One attempt to get or to keep the right to act.
    ///
    /// # Errors
    /// The backend refused or did not answer. What is held stays held until its time is over.
    pub async fn attempt(&self) -> Result<(), StoreError> {
        let turn = self.turn().await;
        // The backend notes a time after this one.
        let asked = Instant::now();
        let node = self.node.clone();
        let election = self.run(&turn, "election of the active node", move |db| elect(db, &node)).await?;
        let mut term = self.term();
        match election {
            Election::Renewed if term.is_ours => {}
            // Ours by the row, but not by what this process knows: made by `grab` or by an attempt without an answer.
            Election::Renewed | Election::Inserted => {
                term.from =
                    term.from.filter(|_| election == Election::Renewed).or(Some(asked + LEASE + TICK));
            }
            Election::TakenOver => term.from = None,
            Election::Lost => *term = Term::default(),
        }
        if election != Election::Lost {
            term.is_ours = true;
            term.until = Some(asked + (LEASE - MARGIN));
        }
        Ok(())
    }

    /// Waits for the end of the statement under way, which has a deadline.
    async fn turn(&self) -> Turn {
        Arc::new(self.turn.clone().lock_owned().await)
    }

    async fn run<T: Send + 'static>(
        &self,
        turn: &Turn,
        operation: &'static str,
        work: impl Fn(&Db<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Turn::clone(turn);
        let work = move |db: &Db<'_>| {
            let _held = &turn;
            work(db)
        };
        let outcome =
            self.store.worker.attempt_until(Deadline::after(ATTEMPT_MAX), Kind::Separate, work).await;
        outcome.map_err(|error| StoreError::Statement {
            operation: operation.to_owned(),
            message: super::explain::running(&error),
        })
    }

    fn term(&self) -> MutexGuard<'_, Term> {
        self.term.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lease of a single command on a shared backend: an operator's will is done whoever is active, and the election
/// can be told to begin anew.
pub struct OperatorLease(pub Arc<ActiveNodeLease>);

#[async_trait]
impl Lease for OperatorLease {
    fn is_held(&self) -> bool {
        true
    }

    async fn reelect(&self) -> Result<(), StoreError> {
        self.0.reelect().await
    }
}

#[async_trait]
impl Lease for ActiveNodeLease {
    fn is_held(&self) -> bool {
        let term = self.term();
        let now = Instant::now();
        term.is_ours
            && term.from.is_none_or(|from| now >= from)
            && term.until.is_some_and(|until| now < until)
    }

    /// Recoveries exclude each other by the backend's records, whichever node a person speaks to.
    fn admits_operators(&self) -> bool {
        true
    }

    async fn grab(&self) -> Result<(), StoreError> {
        let turn = self.turn().await;
        let may_act = self.is_held();
        let asked = Instant::now();
        let node = self.node.clone();
        self.run(&turn, "forced election", move |db| {
            sql::execute(db, GRAB, [&node.hostname, &node.token]).map(drop)
        })
        .await?;
        if !may_act {
            // The former holder may act until its time is over.
            let until = Some(asked + (LEASE - MARGIN));
            *self.term() = Term { is_ours: true, from: Some(asked + LEASE + TICK), until };
        }
        Ok(())
    }

    async fn reelect(&self) -> Result<(), StoreError> {
        let was_held = self.is_held();
        *self.term() = Term::default();
        let turn = self.turn().await;
        *self.term() = Term::default();
        let node = self.node.clone();
        self.run(&turn, "re-election", move |db| {
            // By the row it may be another node's by now.
            if was_held && sql::execute(db, RELEASE, [&node.hostname, &node.token])? > 0 {
                return Ok(());
            }
            sql::execute(db, VACATE, []).map(drop)
        })
        .await
    }

    async fn release(&self) {
        *self.term() = Term::default();
        let turn = self.turn().await;
        *self.term() = Term::default();
        let node = self.node.clone();
        let released = self
            .run(&turn, "release of the active node", move |db| {
                sql::execute(db, RELEASE, [&node.hostname, &node.token]).map(drop)
            })
            .await;
        if let Err(error) = released {
            warn!(error = %error, "others have to wait until this node's time is over");
        }
    }
}

/// Renewing comes first: while the row is ours, nobody else has acted.
fn elect(db: &Db<'_>, node: &NodeIdentity) -> sql::Result<Election> {
    for (statement, election) in
        [(RENEW, Election::Renewed), (TAKE_OVER, Election::TakenOver), (INSERT, Election::Inserted)]
    {
        if sql::execute(db, statement, [&node.hostname, &node.token])? > 0 {
            return Ok(election);
        }
    }
    Ok(Election::Lost)
}
