//! Connections for accounts that use `sha256_password`, which the driver does not know.
//!
//! The driver speaks to us over a socket of this machine, and we to the server: what either says is passed on, but for
//! the password, which the driver gives in the clear and the server gets as that plugin wants it. Once the account is
//! logged in, bytes are copied both ways. A connection whose account uses another plugin is made by the driver alone.

mod carry;
mod crossing;
mod door;
mod handshake;
mod packets;
mod password;
mod tls;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mysql_async::{Conn, DriverError, Error, Opts};
use tokio::time::Instant;

use crate::crossing::cross;
use crate::handshake::Refusal;

/// The plugin that connections are bridged for.
const PLUGIN: &str = "sha256_password";
/// How long it is remembered that an account uses it, after its last log-in.
const MEMORY: Duration = Duration::from_secs(3600);
/// Fewest accounts at which those not heard of for long are dropped.
const FULL_MIN: usize = 16;

/// Makes connections, remembering which accounts need the bridge: the driver is refused only at the first log-in.
#[derive(Debug, Default)]
pub struct Dialer {
    needed: Mutex<Needed>,
}

/// Host, port and user.
type Account = (String, u16, String);

#[derive(Debug, Default)]
struct Needed {
    logged_in: HashMap<Account, Instant>,
    /// At this number of accounts what is out of date is dropped.
    full: usize,
}

impl Dialer {
    /// As [`Conn::new`] over TCP, and for `sha256_password` too. The caller holds the time limit: nothing remains of a
    /// connection that was given up half-way. `SslOpts::skip_domain_validation` holds for the driver only.
    ///
    /// # Errors
    /// As [`Conn::new`].
    pub async fn connect(&self, opts: Opts) -> Result<Conn, Error> {
        let account = account_of(&opts);
        if self.is_needed(&account) {
            match self.bridged(&opts, &account).await {
                Err(Refusal::NotNeeded) => {}
                Ok(conn) => return Ok(conn),
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        match Conn::new(opts.clone()).await {
            Err(Error::Driver(DriverError::UnknownAuthPlugin { name })) if name == PLUGIN => {}
            outcome => return outcome,
        }
        match self.bridged(&opts, &account).await {
            // Somebody altered the account just now.
            Err(Refusal::NotNeeded) => Conn::new(opts).await,
            Err(Refusal::Failed(error)) => Err(error),
            Ok(conn) => Ok(conn),
        }
    }

    async fn bridged(&self, opts: &Opts, account: &Account) -> Result<Conn, Refusal> {
        let outcome = cross(opts).await;
        match outcome {
            Ok(_) => self.remember(account),
            Err(_) => drop(self.needed().logged_in.remove(account)),
        }
        outcome
    }

    fn is_needed(&self, account: &Account) -> bool {
        self.needed().logged_in.get(account).is_some_and(|at| at.elapsed() < MEMORY)
    }

    /// What is out of date goes now and then, so that not every log-in looks through all.
    fn remember(&self, account: &Account) {
        let mut needed = self.needed();
        if needed.logged_in.len() >= needed.full {
            needed.logged_in.retain(|_, at| at.elapsed() < MEMORY);
            needed.full = (needed.logged_in.len() * 2).max(FULL_MIN);
        }
        needed.logged_in.insert(account.clone(), Instant::now());
    }

    fn needed(&self) -> MutexGuard<'_, Needed> {
        self.needed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn account_of(opts: &Opts) -> Account {
    (opts.ip_or_hostname().to_owned(), opts.tcp_port(), opts.user().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_known_of_accounts_lapses_and_is_dropped() {
        let dialer = Dialer::default();
        let account = |user: &str| ("a".to_owned(), 3306, user.to_owned());
        for number in 0..FULL_MIN {
            dialer.remember(&account(&format!("old{number}")));
        }
        assert!(dialer.is_needed(&account("old0")));
        assert!(!dialer.is_needed(&account("new")));
        tokio::time::advance(MEMORY).await;
        assert!(!dialer.is_needed(&account("old0")));
        dialer.remember(&account("new"));
        assert_eq!(dialer.needed().logged_in.len(), 1);
    }
}
