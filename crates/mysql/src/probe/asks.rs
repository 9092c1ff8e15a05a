//! What can be asked of a server, when each question is due, and in which words.

use super::Subject;
use super::knowledge::{Naming, Script};
use crate::capabilities::Family;
use crate::session::Session;
use crate::statements;
use crate::tables::{Table, is_on};

/// One statement of a read. The order is the order of sending: required ones first, fragile ones last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Basics,
    Replication,
    BinaryLog,
    Plugins,
    SemiSync,
    SemiSyncStatus,
    Replicas,
    BinlogReaders,
    Receivers,
    Credentials,
    Group,
    NdbNodes,
    User(UserQuery),
}

/// A query of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserQuery {
    ReplicationLag,
    ClusterAlias,
    ClusterDomain,
    InstanceAlias,
    PromotionRule,
    DataCenter,
    Region,
    PhysicalEnvironment,
    SemiSyncEnforced,
    PseudoGtid,
}

impl UserQuery {
    pub(crate) const ALL: [Self; 10] = [
        Self::ReplicationLag,
        Self::ClusterAlias,
        Self::ClusterDomain,
        Self::InstanceAlias,
        Self::PromotionRule,
        Self::DataCenter,
        Self::Region,
        Self::PhysicalEnvironment,
        Self::SemiSyncEnforced,
        Self::PseudoGtid,
    ];

    /// The name of the setting.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReplicationLag => "ReplicationLagQuery",
            Self::ClusterAlias => "DetectClusterAliasQuery",
            Self::ClusterDomain => "DetectClusterDomainQuery",
            Self::InstanceAlias => "DetectInstanceAliasQuery",
            Self::PromotionRule => "DetectPromotionRuleQuery",
            Self::DataCenter => "DetectDataCenterQuery",
            Self::Region => "DetectRegionQuery",
            Self::PhysicalEnvironment => "DetectPhysicalEnvironmentQuery",
            Self::SemiSyncEnforced => "DetectSemiSyncEnforcedQuery",
            Self::PseudoGtid => "DetectPseudoGTIDQuery",
        }
    }

    /// The configured text without a closing semicolon; empty when not configured.
    pub(crate) fn text<'a>(self, subject: &Subject<'a>) -> &'a str {
        let queries = &subject.options.queries;
        let text = match self {
            Self::ReplicationLag => &queries.replication_lag,
            Self::ClusterAlias => &queries.cluster_alias,
            Self::ClusterDomain => &queries.cluster_domain,
            Self::InstanceAlias => &queries.instance_alias,
            Self::PromotionRule => &queries.promotion_rule,
            Self::DataCenter => &queries.data_center,
            Self::Region => &queries.region,
            Self::PhysicalEnvironment => &queries.physical_environment,
            Self::SemiSyncEnforced => &queries.semi_sync_enforced,
            Self::PseudoGtid => &queries.pseudo_gtid,
        };
        text.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
    }

    fn is_due(self, subject: &Subject<'_>) -> bool {
        let is_asked = match self {
            Self::ClusterAlias => subject.request.ask_cluster_alias,
            Self::ClusterDomain => subject.request.ask_cluster_domain,
            _ => true,
        };
        is_asked && !self.text(subject).is_empty()
    }
}

impl Ask {
    /// For notes about what could not be read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Basics => "basic variables",
            Self::Replication => "replication status",
            Self::BinaryLog => "binary log status",
            Self::Plugins => "installed plugins",
            Self::SemiSync => "semi-sync variables",
            Self::SemiSyncStatus => "semi-sync status",
            Self::Replicas => "list of replicas",
            Self::BinlogReaders => "process list",
            Self::Receivers => "receiver heartbeats",
            Self::Credentials => "replication credentials",
            Self::Group => "group members",
            Self::NdbNodes => "NDB nodes",
            Self::User(query) => query.name(),
        }
    }

    /// May hold several statements, so that it cannot share a request.
    pub(crate) fn travels_alone(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::User(query) => query.text(subject).contains(';'),
            _ => false,
        }
    }

    fn write(self, session: &Session, subject: &Subject<'_>, text: &mut String) {
        let caps = session.capabilities();
        let knowledge = &session.knowledge;
        match self {
            Self::Basics => text.push_str(&statements::basics(caps, knowledge.basics_as_listing)),
            Self::Replication => text.push_str(statements::replication_status(caps)),
            Self::BinaryLog => text.push_str(statements::binary_log_status(caps)),
            Self::Plugins => text.push_str(statements::PLUGINS),
            Self::SemiSync => text.push_str(&semi_sync_variables(
                caps.family,
                knowledge.semi_sync_primary,
                knowledge.semi_sync_replica,
            )),
            Self::SemiSyncStatus => text.push_str(statements::SEMI_SYNC_STATUS),
            Self::Replicas => text.push_str(statements::list_replicas(caps)),
            Self::BinlogReaders => {
                text.push_str(statements::binlog_readers(caps, session.greeting.performance_schema));
            }
            Self::Receivers => text.push_str(&statements::receivers(caps)),
            Self::Credentials => text.push_str(statements::CREDENTIALS_FOUND),
            Self::Group => text.push_str(statements::GROUP_MEMBERS),
            Self::NdbNodes => text.push_str(statements::NDB_NODES),
            Self::User(query) => text.push_str(query.text(subject)),
        }
    }
}

/// Semi-sync variables under the same column names whatever the plugins call them.
fn semi_sync_variables(family: Family, primary: Option<Naming>, replica: Option<Naming>) -> String {
    let mut columns = Vec::with_capacity(4);
    if let Some(naming) = primary {
        let (side, replicas) = match naming {
            Naming::Old => ("master", "slave"),
            Naming::New => ("source", "replica"),
        };
        columns.push(format!("@@global.rpl_semi_sync_{side}_enabled as primary_enabled"));
        columns.push(format!("@@global.rpl_semi_sync_{side}_timeout as primary_timeout"));
        if family == Family::MySql {
            columns.push(format!("@@global.rpl_semi_sync_{side}_wait_for_{replicas}_count as wait_count"));
        }
    }
    match replica {
        Some(Naming::Old) => {
            columns.push("@@global.rpl_semi_sync_slave_enabled as replica_enabled".to_owned())
        }
        Some(Naming::New) => {
            columns.push("@@global.rpl_semi_sync_replica_enabled as replica_enabled".to_owned())
        }
        None => {}
    }
    format!("select {}", columns.join(", "))
}

/// Answers so far.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    tables: Vec<(Ask, Table)>,
    /// What failed without failing the read.
    pub(crate) notes: Vec<String>,
}

impl Answers {
    pub(crate) fn add(&mut self, asks: &[Ask], tables: Vec<Table>) {
        self.tables.extend(asks.iter().copied().zip(tables));
    }

    /// The latest answer.
    pub(crate) fn get(&self, ask: Ask) -> Option<&Table> {
        self.tables.iter().rev().find(|(answered, _)| *answered == ask).map(|(_, table)| table)
    }

    pub(crate) fn has(&self, ask: Ask) -> bool {
        self.get(ask).is_some()
    }
}

/// What is worth asking by what is known so far.
pub(crate) fn first_round(session: &Session, subject: &Subject<'_>) -> Vec<Ask> {
    let (caps, knowledge) = (session.capabilities(), &session.knowledge);
    let mut asks = Vec::with_capacity(24);
    let mut add = |ask, is_due| {
        if is_due {
            asks.push(ask);
        }
    };
    let by_list = subject.options.discover_by_show_slave_hosts;
    let has_semi_sync = knowledge.semi_sync_primary.is_some() || knowledge.semi_sync_replica.is_some();
    add(Ask::Basics, true);
    add(Ask::Replication, true);
    // With semi-sync it is asked for by itself, after everything else.
    add(Ask::BinaryLog, !subject.memory.semi_sync_on().unwrap_or(has_semi_sync));
    add(Ask::Plugins, knowledge.plugins_are_stale());
    add(Ask::SemiSync, has_semi_sync);
    add(Ask::SemiSyncStatus, has_semi_sync && knowledge.semi_sync_on);
    add(Ask::Replicas, by_list);
    add(Ask::BinlogReaders, !(by_list && knowledge.list_sufficed));
    add(Ask::Receivers, knowledge.was_replica && tells_receivers(session));
    add(
        Ask::Credentials,
        caps.credentials_table && subject.options.queries.replication_credentials.is_empty(),
    );
    add(Ask::Group, caps.group_replication && knowledge.group_plugin);
    add(Ask::NdbNodes, caps.ndb);
    for query in UserQuery::ALL {
        add(Ask::User(query), query.is_due(subject));
    }
    asks
}

/// What the first answers make necessary. Also stores what the next read should know.
pub(crate) fn second_round(session: &mut Session, subject: &Subject<'_>, answers: &mut Answers) -> Vec<Ask> {
    let mut asks = Vec::new();
    if let Some(listing) = answers.get(Ask::Plugins) {
        let before = (session.knowledge.semi_sync_primary, session.knowledge.semi_sync_replica);
        session.knowledge.learn_plugins(listing);
        let after = (session.knowledge.semi_sync_primary, session.knowledge.semi_sync_replica);
        if after != before && after != (None, None) {
            asks.push(Ask::SemiSync);
        }
        if session.knowledge.group_plugin
            && !answers.has(Ask::Group)
            && session.capabilities().group_replication
        {
            asks.push(Ask::Group);
        }
    }
    let was_on = session.knowledge.semi_sync_on;
    session.knowledge.semi_sync_on = answers.get(Ask::SemiSync).and_then(Table::first).is_some_and(|row| {
        ["primary_enabled", "replica_enabled"].iter().any(|name| row.text(&[name]).is_some_and(|t| is_on(&t)))
    });
    if asks.contains(&Ask::SemiSync) || (session.knowledge.semi_sync_on && !was_on) {
        asks.push(Ask::SemiSyncStatus);
    }
    let is_replica = answers.get(Ask::Replication).is_some_and(|table| !table.is_empty());
    if is_replica && !session.knowledge.was_replica && tells_receivers(session) {
        asks.push(Ask::Receivers);
    }
    session.knowledge.was_replica = is_replica;
    if subject.options.discover_by_show_slave_hosts {
        let suffices = answers.get(Ask::Replicas).is_some_and(super::replicas::names_any);
        session.knowledge.list_sufficed = suffices;
        if !suffices && !answers.has(Ask::BinlogReaders) {
            asks.push(Ask::BinlogReaders);
        }
    }
    asks
}

fn tells_receivers(session: &Session) -> bool {
    let caps = session.capabilities();
    caps.heartbeat_status || (caps.receiver_tables && session.greeting.performance_schema)
}

/// The text of a request; built once for each set of questions and then kept.
pub(crate) fn request_text(
    session: &mut Session,
    subject: &Subject<'_>,
    asks: &[Ask],
) -> std::sync::Arc<str> {
    if let Some(script) = session.knowledge.script.as_ref().filter(|script| script.asks == asks) {
        return script.text.clone();
    }
    let mut text = String::with_capacity(4096);
    for (at, ask) in asks.iter().enumerate() {
        if at > 0 {
            // On its own line, so that a comment at the end of a user's query does not swallow it.
            text.push_str("\n;\n");
        }
        ask.write(session, subject, &mut text);
    }
    let text: std::sync::Arc<str> = text.into();
    // Only the request that starts a read comes again and again.
    if asks.first() == Some(&Ask::Basics) {
        session.knowledge.script = Some(Script { asks: asks.to_vec(), text: text.clone() });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semi_sync_columns_have_the_same_names_for_each_plugin() {
        let text = semi_sync_variables(Family::MySql, Some(Naming::New), Some(Naming::Old));
        assert_eq!(
            text,
            "select @@global.rpl_semi_sync_source_enabled as primary_enabled, \
             @@global.rpl_semi_sync_source_timeout as primary_timeout, \
             @@global.rpl_semi_sync_source_wait_for_replica_count as wait_count, \
             @@global.rpl_semi_sync_slave_enabled as replica_enabled"
        );
        assert!(!semi_sync_variables(Family::MariaDb, Some(Naming::Old), None).contains("wait_count"));
    }
}
