/** Clusters for tests: `a(b,c(d))`, who replicates from whom; what is not said is healthy. */
import type { Instance, Key } from "../lib/types";
import { type Server, serversOf } from "../model/server";

const NO_KEY: Key = { Hostname: "", Port: 0 };
const PLACE = { LogFile: "bin.000001", LogPos: 100 };

export function key(name: string): Key {
  return { Hostname: name, Port: 3306 };
}

export function instance(name: string, more: Partial<Instance> = {}): Instance {
  return {
    Key: key(name),
    InstanceAlias: "",
    Uptime: 100,
    ServerID: 1,
    ServerUUID: "",
    Version: "8.4.3",
    VersionComment: "",
    FlavorName: "MySQL",
    ReadOnly: true,
    Binlog_format: "ROW",
    BinlogRowImage: "FULL",
    LogBinEnabled: true,
    LogReplicationUpdatesEnabled: true,
    SelfBinlogCoordinates: PLACE,
    MasterKey: NO_KEY,
    IsDetachedMaster: false,
    ReplicationSQLThreadRuning: true,
    ReplicationIOThreadRuning: true,
    HasReplicationFilters: false,
    GTIDMode: "ON",
    SupportsOracleGTID: true,
    UsingOracleGTID: true,
    UsingMariaDBGTID: false,
    UsingPseudoGTID: false,
    ReadBinlogCoordinates: PLACE,
    ExecBinlogCoordinates: PLACE,
    IsDetached: false,
    LastSQLError: '""',
    LastIOError: '""',
    SecondsBehindMaster: { Int64: 0, Valid: true },
    SQLDelay: 0,
    ExecutedGtidSet: "",
    GtidPurged: "",
    GtidErrant: "",
    ReplicationLagSeconds: { Int64: 0, Valid: true },
    Replicas: [],
    ClusterName: "a:3306",
    SuggestedClusterAlias: "",
    DataCenter: "",
    Region: "",
    PhysicalEnvironment: "",
    ReplicationDepth: 0,
    IsCoMaster: false,
    SemiSyncPriority: 0,
    SemiSyncMasterEnabled: false,
    SemiSyncReplicaEnabled: false,
    SemiSyncMasterTimeout: 0,
    SemiSyncMasterWaitForReplicaCount: 0,
    SemiSyncMasterStatus: false,
    SemiSyncMasterClients: 0,
    SemiSyncReplicaStatus: false,
    LastSeenTimestamp: "2026-01-02T03:04:05Z",
    IsLastCheckValid: true,
    IsUpToDate: true,
    IsRecentlyChecked: true,
    SecondsSinceLastSeen: { Int64: 1, Valid: true },
    CountMySQLSnapshots: 0,
    IsCandidate: false,
    PromotionRule: "neutral",
    IsDowntimed: false,
    DowntimeReason: "",
    DowntimeOwner: "",
    DowntimeEndTimestamp: "",
    UnresolvedHostname: "",
    AllowTLS: false,
    Problems: [],
    ReplicationGroupName: "",
    ReplicationGroupMemberState: "",
    ReplicationGroupMemberRole: "",
    ReplicationGroupMembers: [],
    ReplicationGroupPrimaryInstanceKey: NO_KEY,
    ...more,
  };
}

/** The instances of a shape; `more` by name. */
export function shape(text: string, more: Readonly<Record<string, Partial<Instance>>> = {}): Instance[] {
  const found: Instance[] = [];
  const above: string[] = [];
  let last = "";
  for (const token of text.match(/\w+|[()]/g) ?? []) {
    if (token === "(") above.push(last);
    else if (token === ")") above.pop();
    else {
      last = token;
      const source = above.at(-1);
      const facts = {
        MasterKey: source ? key(source) : NO_KEY,
        ReplicationDepth: above.length,
        ReadOnly: source !== undefined,
      };
      found.push(instance(token, { ...facts, ...more[token] }));
    }
  }
  return found;
}

/** The servers of a shape, by name. */
export function world(text: string, more: Readonly<Record<string, Partial<Instance>>> = {}): (name: string) => Server {
  const servers = serversOf(shape(text, more));
  return (name) => {
    const server = servers.get(`${name}:3306`);
    if (!server) throw new Error(`no server ${name} in ${text}`);
    return server;
  };
}
