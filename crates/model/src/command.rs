//! Every durable change, as a value.
//!
//! A command is applied by one state machine: directly on a single node, through a replicated log in a cluster.
//! Applying is a database transaction and nothing else: no clock (times are inside), no side effects.
//! Observed facts about servers are not commands; they are written behind in batches, since each node observes for
//! itself.

use crate::{
    AcknowledgeScope, AuditRecord, BinlogCoordinates, Candidate, Case, Downtime, InstanceKey, NodeIdentity,
    Secret, Tag, Timestamp,
};

/// A durable change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Insert or replace a downtime.
    BeginDowntime(Downtime),
    /// Remove a downtime. Outcome: [`CommandOutcome::Existed`].
    EndDowntime(InstanceKey),
    /// Take the maintenance lock of a server. Outcome: [`CommandOutcome::Inserted`].
    BeginMaintenance {
        /// The server.
        key: InstanceKey,
        /// Who.
        owner: String,
        /// Why.
        reason: String,
        /// Start.
        begin: Timestamp,
        /// End.
        end: Timestamp,
        /// Asked for by a person (true) or taken by an operation (false: released when its process is gone).
        explicitly_bounded: bool,
        /// The locking process.
        node: NodeIdentity,
    },
    /// Release the active maintenance lock of a server. Outcome: [`CommandOutcome::Existed`].
    EndMaintenance {
        /// The server.
        key: InstanceKey,
        /// End.
        at: Timestamp,
    },
    /// Insert or replace a promotion rule.
    RegisterCandidate(Candidate),
    /// Delete an instance row. Outcome: [`CommandOutcome::Existed`].
    ForgetInstance(InstanceKey),
    /// Delete all instance rows of a cluster. Outcome: [`CommandOutcome::Count`].
    ForgetCluster(String),
    /// Replace the alias of a cluster.
    SetClusterAlias {
        /// Cluster name.
        cluster_name: String,
        /// Alias.
        alias: String,
        /// When; aliases expire from here.
        at: Timestamp,
    },
    /// Replace the operator's alias of a cluster.
    SetClusterAliasOverride {
        /// Cluster name.
        cluster_name: String,
        /// Alias.
        alias: String,
    },
    /// Replace the domain of a cluster.
    SetClusterDomain {
        /// Cluster name.
        cluster_name: String,
        /// Domain.
        domain: String,
        /// When it was read.
        at: Timestamp,
    },
    /// Store a host name resolution, with history.
    SetResolved {
        /// Name used to connect.
        hostname: String,
        /// What it resolves to.
        resolved: String,
        /// When.
        at: Timestamp,
    },
    /// Store (or with an empty name remove) the virtual name of a host.
    SetUnresolved {
        /// Host name.
        hostname: String,
        /// Virtual name; empty removes.
        unresolved: String,
        /// When.
        at: Timestamp,
    },
    /// Switch all automatic recoveries off or on.
    DisableRecoveries(bool),
    /// Register a detection unless an equal one is active. Outcome: [`CommandOutcome::Inserted`].
    RegisterDetection {
        /// What is wrong.
        case: Case,
        /// A recovery exists for it.
        is_actionable: bool,
        /// Who saw it.
        node: NodeIdentity,
        /// When.
        at: Timestamp,
    },
    /// End the active period of a server's detections.
    ClearDetections {
        /// The server.
        key: InstanceKey,
        /// When.
        at: Timestamp,
    },
    /// Register a recovery unless one is active for the server. Outcome: [`CommandOutcome::Inserted`].
    RegisterRecovery {
        /// Its UID.
        uid: String,
        /// What is wrong.
        case: Case,
        /// Who recovers.
        node: NodeIdentity,
        /// When.
        at: Timestamp,
    },
    /// Write the result of a recovery.
    ResolveRecovery {
        /// Its UID.
        uid: String,
        /// A server was promoted (or the fix worked).
        is_successful: bool,
        /// The promoted server.
        successor: Option<InstanceKey>,
        /// Its alias.
        successor_alias: String,
        /// Servers left behind.
        lost_replicas: Vec<InstanceKey>,
        /// Servers that took part.
        participating: Vec<InstanceKey>,
        /// Errors, in order.
        errors: Vec<String>,
        /// When.
        at: Timestamp,
    },
    /// Save the state and plan of a running recovery, so that another process can resume or undo it.
    JournalRecovery {
        /// Its UID.
        uid: String,
        /// Name of the state.
        state: String,
        /// State and plan in their persisted form (JSON).
        plan: String,
        /// When.
        at: Timestamp,
    },
    /// Add a step message.
    WriteRecoveryStep {
        /// The recovery, or the UID of a detection's hooks.
        uid: String,
        /// When.
        at: Timestamp,
        /// Text.
        message: String,
    },
    /// Acknowledge recoveries. Outcome: [`CommandOutcome::Count`].
    AcknowledgeRecoveries {
        /// Which.
        scope: AcknowledgeScope,
        /// By whom.
        owner: String,
        /// Why.
        comment: String,
        /// When.
        at: Timestamp,
    },
    /// Acknowledge and end recoveries whose process is gone from the node registry. Outcome: [`CommandOutcome::Count`].
    AcknowledgeCrashed {
        /// When.
        at: Timestamp,
    },
    /// Note that a recovery was refused because of earlier ones.
    WriteBlockedRecovery {
        /// What is wrong.
        case: Case,
        /// The recovery in the way.
        blocking_recovery_id: i64,
        /// When.
        at: Timestamp,
    },
    /// Add an audit line.
    WriteAudit(AuditRecord),
    /// Record that a server has a code; the changelog gets a row when it differs from the last. See `detection` docs.
    WriteAnalysis {
        /// The server.
        key: InstanceKey,
        /// The code's spelling.
        analysis: String,
        /// When.
        at: Timestamp,
    },
    /// Remember where a primary stands still; coordinates that differ from the stored ones replace them.
    WriteStaleCoordinates {
        /// The server.
        key: InstanceKey,
        /// The place.
        coordinates: BinlogCoordinates,
        /// When.
        at: Timestamp,
    },
    /// Move alias and override of a cluster to its new name after a failover.
    RenameCluster {
        /// Old cluster name.
        from: String,
        /// New cluster name.
        to: String,
        /// Alias to store under the new name; empty keeps the stored one.
        alias: String,
        /// When.
        at: Timestamp,
    },
    /// Replace a general attribute (`host_attributes`).
    SetAttribute {
        /// Host, `*` for general.
        hostname: String,
        /// Name.
        name: String,
        /// Value.
        value: String,
        /// When.
        at: Timestamp,
    },
    /// Store key-value pairs in the internal store.
    PutKeyValues {
        /// Key and value.
        pairs: Vec<(String, String)>,
        /// When.
        at: Timestamp,
    },
    /// Insert or replace a tag.
    PutTag {
        /// The server.
        key: InstanceKey,
        /// The tag.
        tag: Tag,
        /// When.
        at: Timestamp,
    },
    /// Remove the tag of that name. Outcome: [`CommandOutcome::Existed`].
    DeleteTag {
        /// The server.
        key: InstanceKey,
        /// Name of the tag.
        name: String,
    },
    /// Replace the members of a pool; none empties it.
    SubmitPool {
        /// Name of the pool.
        pool: String,
        /// Its members.
        members: Vec<InstanceKey>,
        /// When; pools expire from here.
        at: Timestamp,
    },
    /// Record where every known server stands in its topology. Outcome: [`CommandOutcome::Count`].
    SnapshotTopologies {
        /// When.
        at: Timestamp,
    },
    /// Remember that two places in the binary logs of two servers hold the same history before them.
    RecordEquivalence {
        /// One server.
        one: InstanceKey,
        /// The place there.
        one_at: BinlogCoordinates,
        /// Another server.
        other: InstanceKey,
        /// The place there.
        other_at: BinlogCoordinates,
        /// When.
        at: Timestamp,
    },
    /// Store a token that may be redeemed for the right to change things.
    IssueAccessToken {
        /// What is given to a person.
        public: String,
        /// What the person's browser gets in exchange.
        secret: String,
        /// By whom.
        owner: String,
        /// When.
        at: Timestamp,
    },
    /// Redeem a token that was issued no earlier than that. Outcome: [`CommandOutcome::Existed`].
    RedeemAccessToken {
        /// What a person was given.
        public: String,
        /// Tokens issued before have lapsed.
        issued_since: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Forget what host names resolve to.
    ForgetResolved,
    /// Refresh this process's row in the node registry.
    RegisterNode {
        /// The process.
        node: NodeIdentity,
        /// Version text of the program.
        version: String,
        /// Description of the backend in use.
        backend: String,
        /// Command that started it: `http` or `cli`.
        app: String,
        /// When.
        at: Timestamp,
    },
    /// End the active periods of detections and recoveries, and forget refusals of recoveries that are over.
    EndPeriods {
        /// How long a detection is active.
        detection_active: std::time::Duration,
        /// How long a recovery is active.
        recovery_active: std::time::Duration,
        /// When.
        at: Timestamp,
    },
    /// End what has lasted long enough and delete what is old enough; see [`Retention`].
    Expire {
        /// Limits.
        retention: Retention,
        /// When.
        at: Timestamp,
    },
    /// Insert or replace the registration of an agent.
    RegisterAgent {
        /// Host it runs on.
        hostname: String,
        /// Port it listens on.
        port: u16,
        /// What it wants to be shown.
        token: Secret,
        /// When.
        at: Timestamp,
    },
    /// Note that an agent is being polled, unless somebody did since then. Outcome: [`CommandOutcome::Existed`].
    ClaimAgentPoll {
        /// Host of the agent.
        hostname: String,
        /// Whoever polled it later has done so.
        unless_since: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Note that an agent answered.
    NoteAgentSeen {
        /// Host of the agent.
        hostname: String,
        /// Port of its MySQL server; `None` leaves what is known.
        mysql_port: Option<u16>,
        /// Its snapshots; `None` leaves what is known.
        snapshots: Option<u32>,
        /// When.
        at: Timestamp,
    },
    /// Delete agents that registered no later than that. Outcome: [`CommandOutcome::Count`].
    ForgetAgents {
        /// That.
        submitted_before: Timestamp,
    },
    /// Record a seed. Outcome: [`CommandOutcome::Inserted`], with nothing while another seed onto that host runs.
    BeginSeed {
        /// Host that gets the data.
        target: String,
        /// Host that has the data.
        source: String,
        /// When.
        at: Timestamp,
    },
    /// Record a step of a seed that runs. Outcome: [`CommandOutcome::Inserted`], with nothing when it has ended.
    AddSeedState {
        /// The seed.
        seed: i64,
        /// What is done.
        action: String,
        /// When.
        at: Timestamp,
    },
    /// Note why a step of a seed failed.
    FailSeedState {
        /// The step.
        state: i64,
        /// Why.
        error: String,
    },
    /// End a seed that runs. Outcome: [`CommandOutcome::Existed`].
    EndSeed {
        /// The seed.
        seed: i64,
        /// It ended well.
        is_successful: bool,
        /// When.
        at: Timestamp,
    },
    /// End seeds that did nothing since then as failed. Outcome: [`CommandOutcome::Count`].
    FailStaleSeeds {
        /// Then.
        since: Timestamp,
        /// When.
        at: Timestamp,
    },
}

/// Limits of [`Command::Expire`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Detections leave their active period after this.
    pub detection_active: std::time::Duration,
    /// Recoveries leave their active period after this.
    pub recovery_active: std::time::Duration,
    /// Audit, detections, recoveries and steps are deleted after this.
    pub audit: std::time::Duration,
    /// Instances unseen for this long are deleted.
    pub unseen_instance: std::time::Duration,
    /// Promotion rules not suggested for this long are deleted.
    pub candidate: std::time::Duration,
    /// `ExpiryHostnameResolvesMinutes`: virtual names and cluster domains not refreshed for this long are deleted,
    /// resolved host names after twice as long.
    pub resolve: std::time::Duration,
    /// Stale coordinates noticed longer ago than this are deleted.
    pub stale_coordinates: std::time::Duration,
    /// Pools registered longer ago than this are deleted.
    pub pool: std::time::Duration,
    /// Access tokens issued longer ago than this are deleted.
    pub access_token: std::time::Duration,
}

/// What applying a command tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Nothing to tell.
    Done,
    /// Inserted with this row id, or `None` when an equal active row was in the way.
    Inserted(Option<i64>),
    /// Whether the thing to end existed.
    Existed(bool),
    /// Number of rows changed.
    Count(u64),
}
