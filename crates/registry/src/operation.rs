//! What a row of the registry holds, and the table of all rows.

use std::sync::LazyLock;

use crate::args::Param;
use crate::rows;
use crate::rows::{
    AgentOperation, BookkeepingOperation, InformationOperation, ManagementOperation, NodeOperation,
    RecoveryOperation, RelocationOperation, ReplicationOperation,
};

/// Which operation. Grouped, so that each group is carried out by one exhaustive match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationId {
    /// Questions about servers and clusters.
    Information(InformationOperation),
    /// Changes to what is known about servers.
    Management(ManagementOperation),
    /// What is kept beside servers: tags, maintenance, pools, names.
    Bookkeeping(BookkeepingOperation),
    /// Moves of replicas.
    Relocation(RelocationOperation),
    /// Changes to servers.
    Replication(ReplicationOperation),
    /// Analysis, recoveries, their records and acknowledgement.
    Recovery(RecoveryOperation),
    /// Agents on database hosts, and seeds.
    Agents(AgentOperation),
    /// This node.
    Node(NodeOperation),
}

/// What an operation does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Changes what orchestrator knows or does.
    Change,
    /// Changes database servers.
    Disrupt,
}

/// Who may ask for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everybody who may read.
    Reader,
    /// Those who may change things.
    Operator,
}

/// A heading of the help. The order is that of the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Moves that choose their way.
    SmartRelocation,
    /// Moves by coordinates.
    ClassicRelocation,
    /// Moves of binlog servers.
    BinlogServerRelocation,
    /// Moves by GTID.
    GtidRelocation,
    /// Moves by Pseudo-GTID.
    PseudoGtidRelocation,
    /// Replication threads.
    ReplicationGeneral,
    /// Questions about replication.
    ReplicationInformation,
    /// A single server.
    Instance,
    /// Binary logs of a server.
    BinaryLogs,
    /// Servers by pools.
    Pools,
    /// Servers and clusters.
    Information,
    /// Key-value stores.
    KeyValue,
    /// Marks on servers.
    Tags,
    /// Discovery, downtime, maintenance.
    InstanceManagement,
    /// Analysis and recovery.
    Recovery,
    /// What was recorded.
    Audit,
    /// Properties of servers that orchestrator keeps.
    InstanceMeta,
    /// orchestrator itself.
    Meta,
    /// For tests and repair.
    Internal,
    /// Agents on database hosts.
    Agent,
    /// Switches for everything.
    Global,
}

impl Section {
    /// Heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::SmartRelocation => "Smart relocation",
            Self::ClassicRelocation => "Classic file:pos relocation",
            Self::BinlogServerRelocation => "Binlog server relocation",
            Self::GtidRelocation => "GTID relocation",
            Self::PseudoGtidRelocation => "Pseudo-GTID relocation",
            Self::ReplicationGeneral => "Replication, general",
            Self::ReplicationInformation => "Replication information",
            Self::Instance => "Instance",
            Self::BinaryLogs => "Binary logs",
            Self::Pools => "Pools",
            Self::Information => "Information",
            Self::KeyValue => "Key-value",
            Self::Tags => "tags",
            Self::InstanceManagement => "Instance management",
            Self::Recovery => "Recovery",
            Self::Audit => "Audit",
            Self::InstanceMeta => "Instance, meta",
            Self::Meta => "Meta",
            Self::Internal => "Meta, internal",
            Self::Agent => "Agent",
            Self::Global => "Global",
        }
    }
}

/// A row: everything about an operation except what it does.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Which.
    pub id: OperationId,
    /// Name; also the name of the command.
    pub name: &'static str,
    /// Other accepted names of the command and of routes that begin with the name.
    pub synonyms: &'static [&'static str],
    /// Offered as a command.
    pub is_command: bool,
    /// Heading in the help.
    pub section: Section,
    /// What it does to the world.
    pub effect: Effect,
    /// Routes below `/api/`, with `:name` for parameters.
    pub routes: &'static [&'static str],
    /// Parameters that the command cannot do without.
    pub needs: &'static [Param],
    /// Parameters it also takes.
    pub takes: &'static [Param],
    /// One line for listings.
    pub summary: &'static str,
    /// Text for `help`; more than the summary says.
    pub help: &'static str,
}

impl Operation {
    /// Who may ask for it over HTTP.
    pub fn role(&self) -> Role {
        match self.effect {
            Effect::Read => Role::Reader,
            Effect::Change | Effect::Disrupt => Role::Operator,
        }
    }

    /// The command has this name.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.synonyms.contains(&name)
    }
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut all: Vec<Operation> = [
        rows::RELOCATION,
        rows::INFORMATION,
        rows::MANAGEMENT,
        rows::BOOKKEEPING,
        rows::REPLICATION,
        rows::RECOVERY,
        rows::AGENTS,
        rows::NODE,
    ]
    .concat();
    all.sort_by_key(|operation| operation.section);
    all
});

/// All operations, in the order of the help.
pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

/// The operation of a command, by name or synonym.
pub fn command(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.is_command && operation.is_named(name))
}
