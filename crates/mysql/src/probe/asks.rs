//! What is asked in one read: a list of statements in one request, and their answers.

use super::Subject;
use crate::capabilities::Capabilities;
use crate::options::Queries;
use crate::probe::knowledge::Script;
use crate::session::Session;
use crate::statements;
use crate::tables::Table;

/// One statement of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    Basics,
    Replication,
    BinaryLog,
    Receivers,
    Plugins,
    SemiSync,
    SemiSyncStatus,
    Group,
    ReplicaList,
    BinlogReaders,
    Credentials,
    NdbNodes,
    User(UserQuery),
}

/// A query of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    const ALL: [Self; 10] = [
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

    /// Its text, without a semicolon at the end; empty when not configured.
    pub(crate) fn text(self, queries: &Queries) -> &str {
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
        text.trim().trim_end_matches(';').trim_end()
    }

    fn setting(self) -> &'static str {
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
}

impl Ask {
    /// Name for notes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Basics => "basic variables",
            Self::Replication => "replication status",
            Self::BinaryLog => "binary log status",
            Self::Receivers => "receiver state",
            Self::Plugins => "plugins",
            Self::SemiSync => "semi-sync variables",
            Self::SemiSyncStatus => "semi-sync status",
            Self::Group => "group replication",
            Self::ReplicaList => "list of replicas",
            Self::BinlogReaders => "process list",
            Self::Credentials => "replication credentials",
            Self::NdbNodes => "NDB nodes",
            Self::User(query) => query.setting(),
        }
    }

    /// An operator's query of several statements has an unknown number of results.
    pub(crate) fn travels_alone(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::User(query) => query.text(&subject.options.queries).contains(';'),
            _ => false,
        }
    }

    fn statement(self, session: &Session, subject: &Subject<'_>) -> String {
        let caps: &Capabilities = session.capabilities();
        match self {
            Self::Basics => statements::basics(caps, session.knowledge.basics_as_listing),
            Self::Replication => statements::replication_status(caps).to_owned(),
            Self::BinaryLog => statements::binary_log_status(caps).to_owned(),
            Self::Receivers => statements::receivers(caps),
            Self::Plugins => statements::PLUGINS.to_owned(),
            Self::SemiSync => "show global variables like 'rpl_semi_sync_%'".to_owned(),
            Self::SemiSyncStatus => statements::SEMI_SYNC_STATUS.to_owned(),
            Self::Group => statements::GROUP_MEMBERS.to_owned(),
            Self::ReplicaList => statements::list_replicas(caps).to_owned(),
            Self::BinlogReaders => {
                statements::binlog_readers(caps, session.greeting.performance_schema).to_owned()
            }
            Self::Credentials => statements::CREDENTIALS_FOUND.to_owned(),
            Self::NdbNodes => statements::NDB_NODES.to_owned(),
            Self::User(query) => query.text(&subject.options.queries).to_owned(),
        }
    }
}

/// What came back so far.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    tables: Vec<(Ask, Table)>,
    /// Statements that failed without failing the read.
    pub(crate) notes: Vec<String>,
}

impl Answers {
    /// Adds the results of statements, in order. Missing results are left out.
    pub(crate) fn add(&mut self, asks: &[Ask], tables: Vec<Table>) {
        self.tables.extend(asks.iter().copied().zip(tables));
    }

    pub(crate) fn has(&self, ask: Ask) -> bool {
        self.get(ask).is_some()
    }

    pub(crate) fn get(&self, ask: Ask) -> Option<&Table> {
        self.tables.iter().find(|(known, _)| *known == ask).map(|(_, table)| table)
    }
}

/// What the first request asks.
pub(crate) fn first_round(session: &Session, subject: &Subject<'_>) -> Vec<Ask> {
    let caps = session.capabilities();
    let knowledge = &session.knowledge;
    let mut asks = vec![Ask::Basics, Ask::Replication, Ask::BinaryLog];
    let mut add = |wanted: bool, ask| {
        if wanted {
            asks.push(ask);
        }
    };
    add(has_receiver_tables(session) && knowledge.was_replica, Ask::Receivers);
    add(knowledge.plugins_are_stale(), Ask::Plugins);
    let has_semi_sync = knowledge.semi_sync_primary.is_some() || knowledge.semi_sync_replica.is_some();
    add(has_semi_sync, Ask::SemiSync);
    add(has_semi_sync, Ask::SemiSyncStatus);
    add(caps.group_replication && knowledge.group_plugin, Ask::Group);
    let by_list = subject.options.discover_by_show_slave_hosts;
    add(by_list, Ask::ReplicaList);
    add(!by_list || !knowledge.list_sufficed, Ask::BinlogReaders);
    let by_query = !subject.options.queries.replication_credentials.trim().is_empty();
    add(caps.credentials_table && !by_query, Ask::Credentials);
    add(caps.ndb, Ask::NdbNodes);
    for query in UserQuery::ALL {
        let is_wanted = match query {
            UserQuery::ClusterAlias => subject.request.ask_cluster_alias,
            UserQuery::ClusterDomain => subject.request.ask_cluster_domain,
            _ => true,
        };
        add(is_wanted && !query.text(&subject.options.queries).is_empty(), Ask::User(query));
    }
    asks
}

/// What turned out to be needed besides.
pub(crate) fn second_round(session: &mut Session, subject: &Subject<'_>, answers: &mut Answers) -> Vec<Ask> {
    let mut asks = Vec::new();
    if let Some(listing) = answers.get(Ask::Plugins) {
        session.knowledge.learn_plugins(listing);
        let knowledge = &session.knowledge;
        let has_semi_sync = knowledge.semi_sync_primary.is_some() || knowledge.semi_sync_replica.is_some();
        if has_semi_sync && !answers.has(Ask::SemiSync) {
            asks.extend([Ask::SemiSync, Ask::SemiSyncStatus]);
        }
        if session.capabilities().group_replication && knowledge.group_plugin && !answers.has(Ask::Group) {
            asks.push(Ask::Group);
        }
    }
    let is_replica = answers.get(Ask::Replication).is_some_and(|table| !table.is_empty());
    session.knowledge.was_replica = is_replica;
    if is_replica && has_receiver_tables(session) && !answers.has(Ask::Receivers) {
        asks.push(Ask::Receivers);
    }
    if subject.options.discover_by_show_slave_hosts {
        let suffices = answers.get(Ask::ReplicaList).is_some_and(super::replicas::names_any);
        session.knowledge.list_sufficed = suffices;
        if !suffices && !answers.has(Ask::BinlogReaders) {
            asks.push(Ask::BinlogReaders);
        }
    }
    asks
}

fn has_receiver_tables(session: &Session) -> bool {
    session.capabilities().receiver_tables && session.greeting.performance_schema
}

/// The text of a request. The text of the last read is kept: most reads ask the same again.
pub(crate) fn request_text(session: &mut Session, subject: &Subject<'_>, asks: &[Ask]) -> String {
    if let Some(script) = &session.knowledge.script
        && script.asks == asks
    {
        return script.text.clone();
    }
    let statements: Vec<String> = asks.iter().map(|ask| ask.statement(session, subject)).collect();
    let text = statements.join(";\n");
    if asks.first() == Some(&Ask::Basics) {
        session.knowledge.script = Some(Script { asks: asks.to_vec(), text: text.clone() });
    }
    text
}
