//! What reads over one connection have found out, so that the next one asks only what will be answered.

use std::time::Duration;

use ports::ErrorClass;
use tokio::time::Instant;

use super::REFUSAL_TTL;
use super::asks::{Answers, Ask};
use crate::errors::Failure;
use crate::tables::Table;

/// How long the list of installed plugins is believed.
const PLUGINS_TTL: Duration = Duration::from_secs(30);

/// Spelling of a semi-sync plugin's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `master`, `slave`.
    Old,
    /// `source`, `replica`.
    New,
}

/// A request text and what it asks.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) asks: Vec<Ask>,
    pub(crate) text: std::sync::Arc<str>,
}

#[derive(Debug)]
struct Refusal {
    ask: Ask,
    until: Instant,
    note: String,
}

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    /// The server lacks one of the basic variables, so they are listed by name.
    pub(crate) basics_as_listing: bool,
    /// Names of the semi-sync variables of the primary side; `None` = not installed.
    pub(crate) semi_sync_primary: Option<Naming>,
    /// The same for the replica side.
    pub(crate) semi_sync_replica: Option<Naming>,
    /// The group replication plugin is installed.
    pub(crate) group_plugin: bool,
    plugins_at: Option<Instant>,
    /// A semi-sync side was switched on at the last read.
    pub(crate) semi_sync_on: bool,
    /// The server was a replica at the last read.
    pub(crate) was_replica: bool,
    /// The last list of replicas was enough, so the process list was not needed.
    pub(crate) list_sufficed: bool,
    /// The request of the last read.
    pub(crate) script: Option<Script>,
    refusals: Vec<Refusal>,
}

impl Knowledge {
    /// Takes note of a listing of the plugins' variables.
    pub(crate) fn learn_plugins(&mut self, listing: &Table) {
        let naming = |new, old| {
            if listing.named(new).is_some() {
                Some(Naming::New)
            } else {
                listing.named(old).map(|_| Naming::Old)
            }
        };
        let primary = naming("rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled");
        let replica = naming("rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled");
        let group = listing.named("group_replication_group_name").is_some_and(|name| !name.is_empty());
        if (primary, replica, group) != (self.semi_sync_primary, self.semi_sync_replica, self.group_plugin) {
            self.script = None;
            self.refusals.clear();
        }
        (self.semi_sync_primary, self.semi_sync_replica, self.group_plugin) = (primary, replica, group);
        self.plugins_at = Some(Instant::now());
    }

    /// Ask for the plugins again at the next opportunity.
    pub(crate) fn forget_plugins(&mut self) {
        self.plugins_at = None;
        (self.semi_sync_primary, self.semi_sync_replica, self.group_plugin) = (None, None, false);
        self.script = None;
    }

    /// The plugins are to be listed again.
    pub(crate) fn plugins_are_stale(&self) -> bool {
        self.plugins_at.is_none_or(|at| at.elapsed() >= PLUGINS_TTL)
    }

    /// Remembers that a statement fails, unless the failure may be gone the next time.
    pub(crate) fn refuse(&mut self, ask: Ask, failure: &Failure, note: &str) {
        if matches!(failure.class, ErrorClass::AccessDenied | ErrorClass::Server) {
            self.refusals.retain(|known| known.ask != ask);
            self.refusals.push(Refusal { ask, until: Instant::now() + REFUSAL_TTL, note: note.to_owned() });
        }
    }

    /// What of these is worth sending; the rest is noted as not answered.
    pub(crate) fn without_refused(&mut self, asks: &[Ask], answers: &mut Answers) -> Vec<Ask> {
        if !self.refusals.is_empty() {
            let now = Instant::now();
            self.refusals.retain(|known| known.until > now);
        }
        let mut sent = Vec::with_capacity(asks.len());
        for ask in asks {
            match self.refusals.iter().find(|known| known.ask == *ask) {
                Some(known) => answers.notes.push(known.note.clone()),
                None => sent.push(*ask),
            }
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::class_of_number;
    use crate::tables::fixtures::table;

    fn failure(number: u16) -> Failure {
        Failure {
            class: class_of_number(number),
            number: Some(number),
            message: "no".to_owned(),
            is_fatal: false,
            is_early: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_statement_is_noted_and_tried_again_later() {
        let mut knowledge = Knowledge::default();
        knowledge.refuse(Ask::Receivers, &failure(1142), "receivers: no");
        let mut answers = Answers::default();
        let sent = knowledge.without_refused(&[Ask::Basics, Ask::Receivers], &mut answers);
        assert_eq!((sent, answers.notes), (vec![Ask::Basics], vec!["receivers: no".to_owned()]));
        tokio::time::advance(REFUSAL_TTL).await;
        let mut answers = Answers::default();
        assert_eq!(knowledge.without_refused(&[Ask::Receivers], &mut answers), [Ask::Receivers]);
        assert!(answers.notes.is_empty());
    }

    #[tokio::test]
    async fn a_passing_failure_is_not_remembered() {
        let mut knowledge = Knowledge::default();
        knowledge.refuse(Ask::Receivers, &failure(1205), "receivers: lock wait");
        assert_eq!(knowledge.without_refused(&[Ask::Receivers], &mut Answers::default()), [Ask::Receivers]);
    }

    #[tokio::test]
    async fn plugin_names_are_learnt_in_both_spellings() {
        let mut knowledge = Knowledge::default();
        let columns = ["Variable_name", "Value"];
        knowledge.learn_plugins(&table(
            &columns,
            &[
                &[Some("rpl_semi_sync_source_enabled"), Some("ON")],
                &[Some("rpl_semi_sync_slave_enabled"), Some("OFF")],
            ],
        ));
        assert_eq!(knowledge.semi_sync_primary, Some(Naming::New));
        assert_eq!(knowledge.semi_sync_replica, Some(Naming::Old));
        assert!(!knowledge.group_plugin && !knowledge.plugins_are_stale());
        knowledge.learn_plugins(&table(&columns, &[]));
        assert_eq!(knowledge.semi_sync_primary, None);
    }
}
