/** What the API answers, in its own spelling; only what the pages use. */

export interface Key {
  Hostname: string;
  Port: number;
}

export interface Coordinates {
  LogFile: string;
  LogPos: number;
}

export interface MaybeNumber {
  Int64: number;
  Valid: boolean;
}

export interface Instance {
  Key: Key;
  InstanceAlias: string;
  Uptime: number;
  ServerID: number;
  ServerUUID: string;
  Version: string;
  VersionComment: string;
  FlavorName: string;
  ReadOnly: boolean;
  Binlog_format: string;
  BinlogRowImage: string;
  LogBinEnabled: boolean;
  LogReplicationUpdatesEnabled: boolean;
  SelfBinlogCoordinates: Coordinates;
  MasterKey: Key;
  IsDetachedMaster: boolean;
  ReplicationSQLThreadRuning: boolean;
  ReplicationIOThreadRuning: boolean;
  HasReplicationFilters: boolean;
  GTIDMode: string;
  SupportsOracleGTID: boolean;
  UsingOracleGTID: boolean;
  UsingMariaDBGTID: boolean;
  UsingPseudoGTID: boolean;
  ReadBinlogCoordinates: Coordinates;
  ExecBinlogCoordinates: Coordinates;
  IsDetached: boolean;
  LastSQLError: string;
  LastIOError: string;
  SecondsBehindMaster: MaybeNumber;
  SQLDelay: number;
  ExecutedGtidSet: string;
  GtidPurged: string;
  GtidErrant: string;
  ReplicationLagSeconds: MaybeNumber;
  Replicas: Key[];
  ClusterName: string;
  SuggestedClusterAlias: string;
  DataCenter: string;
  Region: string;
  PhysicalEnvironment: string;
  ReplicationDepth: number;
  IsCoMaster: boolean;
  SemiSyncPriority: number;
  SemiSyncMasterEnabled: boolean;
  SemiSyncReplicaEnabled: boolean;
  SemiSyncMasterTimeout: number;
  SemiSyncMasterWaitForReplicaCount: number;
  SemiSyncMasterStatus: boolean;
  SemiSyncMasterClients: number;
  SemiSyncReplicaStatus: boolean;
  LastSeenTimestamp: string;
  IsLastCheckValid: boolean;
  IsUpToDate: boolean;
  IsRecentlyChecked: boolean;
  SecondsSinceLastSeen: MaybeNumber;
  CountMySQLSnapshots: number;
  IsCandidate: boolean;
  PromotionRule: string;
  IsDowntimed: boolean;
  DowntimeReason: string;
  DowntimeOwner: string;
  DowntimeEndTimestamp: string;
  UnresolvedHostname: string;
  AllowTLS: boolean;
  Problems: string[];
  ReplicationGroupName: string;
  ReplicationGroupMemberState: string;
  ReplicationGroupMemberRole: string;
  ReplicationGroupMembers: Key[];
  ReplicationGroupPrimaryInstanceKey: Key;
}

export interface ClusterInfo {
  ClusterName: string;
  ClusterAlias: string;
  ClusterDomain: string;
  CountInstances: number;
  HeuristicLag: number;
  HasAutomatedMasterRecovery: boolean;
  HasAutomatedIntermediateMasterRecovery: boolean;
}

export interface Analysis {
  AnalyzedInstanceKey: Key;
  AnalyzedInstanceMasterKey: Key;
  ClusterDetails: ClusterInfo;
  Analysis: string;
  Description: string;
  StructureAnalysis: string[] | null;
  IsDowntimed: boolean;
  IsReplicasDowntimed: boolean;
  DowntimeEndTimestamp: string;
  CountReplicas: number;
  Replicas: Key[];
  Cause?: string;
  Evidence?: string[];
}

export interface Maintenance {
  MaintenanceId: number;
  Key: Key;
  BeginTimestamp: string;
  SecondsElapsed: number;
  Owner: string;
  Reason: string;
}

export interface Recovery {
  Id: number;
  UID: string;
  AnalysisEntry: Analysis;
  SuccessorKey: Key | null;
  SuccessorAlias: string;
  IsActive: boolean;
  IsSuccessful: boolean;
  LostReplicas: Key[];
  ParticipatingInstanceKeys: Key[];
  AllErrors: string[] | null;
  RecoveryStartTimestamp: string;
  RecoveryEndTimestamp: string;
  ProcessingNodeHostname: string;
  Acknowledged: boolean;
  AcknowledgedAt: string;
  AcknowledgedBy: string;
  AcknowledgedComment: string;
  LastDetectionId: number;
  RelatedRecoveryId: number;
}

export interface BlockedRecovery {
  FailedInstanceKey: Key;
  ClusterName: string;
  Analysis: string;
  LastBlockedTimestamp: string;
  BlockingRecoveryId: number;
}

export interface Step {
  Id: number;
  RecoveryUID: string;
  AuditAt: string;
  Message: string;
}

export interface AuditRow {
  AuditId: number;
  AuditTimestamp: string;
  AuditType: string;
  AuditInstanceKey: Key;
  Message: string;
}

export interface Changelog {
  AnalyzedInstanceKey: Key;
  Changelog: string[];
}

export interface NodeHealth {
  Hostname: string;
  Token: string;
  AppVersion: string;
  FirstSeenActive: string;
  LastSeenActive: string;
  DBBackend: string;
}

export interface Health {
  Healthy: boolean;
  Hostname: string;
  Token: string;
  IsActiveNode: boolean;
  ActiveNode: NodeHealth;
  Error: unknown;
  AvailableNodes: NodeHealth[] | null;
  RaftLeader: string;
  IsRaftLeader: boolean;
  RaftLeaderURI: string;
  RaftAdvertise: string;
  RaftHealthyMembers: string[] | null;
}

export interface Explanation {
  Key: Key;
  Analysis: string;
  WillAct: boolean;
  WouldDo: unknown;
  Because: string[];
  Reasons: { Reason: string; Text: string; Change: string; Until: string | null }[];
}

/** `{Code, Message, Details}`: what operations answer, and every error. */
export interface Answer {
  Code: string;
  Message: string;
  Details: unknown;
}

/** `/api/v2/session`. */
export interface Session {
  AuthorizedForAction: boolean;
  ReadOnlyReason: string;
  UserId: string;
  WebMessage: string;
  RemoveTextFromHostnameDisplay: string;
  ServeAgentsHttp: boolean;
  IsCustomized: boolean;
  InstancePollSeconds: number;
  Hostname: string;
  Version: string;
  Now: string;
}
