/** The panel of a server: what is known about it, in groups, with what can be done about each. */
import type { Instance, Key } from "../lib/types";
import { isServer } from "./key";
import { act, type Operation } from "./operations";
import { errorText, type Server } from "./server";
import { interval } from "./time";

export interface Action {
  operation: Operation;
  /** Why not now; the button is disabled and says so. */
  refused?: string | undefined;
}

export interface Row {
  label: string;
  value: string;
  tone?: "good" | "bad" | "odd" | undefined;
  /** Long technical text with a button to copy it. */
  isLong?: boolean;
  /** A moment. */
  isTime?: boolean;
  actions?: Action[];
}

export interface Group {
  name: string;
  rows: Row[];
}

/** `undefined`: neither is better. */
const yes = (value: boolean, goodWhen: boolean | undefined): Pick<Row, "value" | "tone"> => ({
  value: value ? "yes" : "no",
  tone: goodWhen === undefined ? undefined : value === goodWhen ? "good" : "bad",
});

const unless = (isAllowed: boolean, refused: string): string | undefined => (isAllowed ? undefined : refused);

const present = (rows: (Row | false | undefined)[]): Row[] => rows.filter((row) => row !== false && row !== undefined);

/** `name`: how other servers are called on the screen. */
export function groupsOf(server: Server, name: (key: Key) => string): Group[] {
  const groups = [
    identity(server),
    replication(server, name),
    binaryLogs(server),
    gtid(server),
    semiSync(server),
    group(server, name),
    location(server.instance),
  ];
  return groups.filter((one) => one.rows.length > 0);
}

function identity(server: Server): Group {
  const i = server.instance;
  const seen = i.SecondsSinceLastSeen;
  const rule = i.PromotionRule || "neutral";
  return {
    name: "Server",
    rows: present([
      i.InstanceAlias !== "" && { label: "Alias", value: i.InstanceAlias },
      {
        label: "Last seen",
        value: i.LastSeenTimestamp || "never",
        isTime: true,
        tone: server.hasConnectivityProblem ? "bad" : undefined,
      },
      seen.Valid && seen.Int64 > 60 && { label: "That is", value: `${interval(seen.Int64)} ago`, tone: "bad" },
      i.UnresolvedHostname !== "" && { label: "Unresolved host name", value: i.UnresolvedHostname },
      { label: "Version", value: `${i.Version} ${i.VersionComment}`.trim() },
      { label: "Server ID", value: String(i.ServerID) },
      i.ServerUUID !== "" && { label: "Server UUID", value: i.ServerUUID, isLong: true },
      {
        label: "Read-only",
        ...yes(i.ReadOnly, undefined),
        tone: i.ReadOnly ? undefined : "odd",
        actions: [{ operation: i.ReadOnly ? act.setWriteable(i.Key) : act.setReadOnly(i.Key) }],
      },
      { label: "Uptime", value: interval(i.Uptime) },
      {
        label: "Promotion rule",
        value: rule,
        tone: rule === "must_not" ? "bad" : rule === "prefer_not" ? "odd" : undefined,
      },
    ]),
  };
}

function replication(server: Server, name: (key: Key) => string): Group {
  const i = server.instance;
  const hasMaster = isServer(server.sourceKey);
  if (!hasMaster) return { name: "Replication", rows: [replicas(i)] };
  const [sqlError, ioError] = [errorText(i.LastSQLError), errorText(i.LastIOError)];
  const lag = i.ReplicationLagSeconds;
  const behind = i.SecondsBehindMaster;
  const replicaActions: Action[] = [
    { operation: act.startReplica(i.Key), refused: unless(!server.replicationAttempting, "it runs, or tries to") },
    { operation: act.restartReplica(i.Key), refused: unless(server.replicationAttempting, "it does not run") },
    { operation: act.stopReplica(i.Key), refused: unless(server.replicationAttempting, "it does not run") },
  ];
  return {
    name: "Replication",
    rows: present([
      {
        label: "Source",
        value: name(server.sourceKey),
        actions: [
          { operation: act.reattach(i.Key), refused: unless(i.IsDetachedMaster || i.IsDetached, "it is not detached") },
          { operation: act.detach(i.Key), refused: unless(!i.IsDetached, "it is detached already") },
          { operation: act.resetReplica(i.Key) },
        ],
      },
      { label: "Running", ...yes(server.replicationRunning, true), actions: replicaActions },
      !server.replicationRunning && {
        label: "Receiver, applier",
        value: `${i.ReplicationIOThreadRuning ? "runs" : "stopped"}, ${i.ReplicationSQLThreadRuning ? "runs" : "stopped"}`,
        tone: "bad",
      },
      !server.replicationRunning &&
        sqlError !== "" && {
          label: "Applier's last error",
          value: sqlError,
          tone: "bad",
          isLong: true,
          actions: [
            { operation: act.skipQuery(i.Key), refused: unless(!i.ReplicationSQLThreadRuning, "the applier runs") },
          ],
        },
      !server.replicationRunning &&
        ioError !== "" && { label: "Receiver's last error", value: ioError, tone: "bad", isLong: true },
      {
        label: "Seconds behind source",
        value: behind.Valid ? interval(behind.Int64) : "unknown",
        tone: behind.Valid ? undefined : "odd",
      },
      {
        label: "Replication lag",
        value: lag.Valid ? interval(lag.Int64) : "unknown",
        tone: (i.Problems ?? []).includes("replication_lag") ? "bad" : undefined,
      },
      i.SQLDelay > 0 && { label: "Delay by intent", value: interval(i.SQLDelay) },
      { label: "Executed at source's", value: `${i.ExecBinlogCoordinates.LogFile}:${i.ExecBinlogCoordinates.LogPos}` },
      replicas(i),
    ]),
  };
}

function replicas(i: Instance): Row {
  const count = (i.Replicas ?? []).length;
  return {
    label: "Replicas",
    value: String(count),
    actions: [{ operation: act.regroupReplicas(i.Key), refused: unless(count > 1, "it has fewer than two replicas") }],
  };
}

function binaryLogs(server: Server): Group {
  const i = server.instance;
  const takes = server.source !== undefined || isServer(server.sourceKey);
  return {
    name: "Binary logs",
    rows: present([
      {
        label: "Written",
        ...yes(i.LogBinEnabled, true),
        actions: i.LogBinEnabled ? [{ operation: act.flushBinaryLogs(i.Key) }] : [],
      },
      i.LogBinEnabled && {
        label: "Format",
        value: [i.Binlog_format, i.BinlogRowImage].filter(Boolean).join(", image "),
      },
      i.LogBinEnabled && {
        label: "Own place",
        value: `${i.SelfBinlogCoordinates.LogFile}:${i.SelfBinlogCoordinates.LogPos}`,
      },
      i.LogBinEnabled && {
        label: "Logs what it replicates",
        ...yes(i.LogReplicationUpdatesEnabled, true),
        actions: [
          {
            operation: act.takeSiblings(i.Key),
            refused: i.LogReplicationUpdatesEnabled
              ? unless(takes, "it has no source, so no siblings")
              : "it cannot have replicas",
          },
        ],
      },
      i.HasReplicationFilters && { label: "Replication filters", value: "yes", tone: "odd" },
    ]),
  };
}

function gtid(server: Server): Group {
  const i = server.instance;
  if (!server.supportsGtid) return { name: "GTID", rows: [{ label: "Supported", ...yes(false, true) }] };
  return {
    name: "GTID",
    rows: present([
      {
        label: "Replicates by GTID",
        ...yes(server.usingGtid, isServer(server.sourceKey) ? true : undefined),
        actions: isServer(server.sourceKey)
          ? [{ operation: server.usingGtid ? act.disableGtid(i.Key) : act.enableGtid(i.Key) }]
          : [],
      },
      i.GTIDMode !== "" && { label: "Mode", value: i.GTIDMode },
      i.GtidErrant !== "" && {
        label: "Errant",
        value: i.GtidErrant,
        tone: "bad",
        isLong: true,
        actions: [{ operation: act.errantInject(i.Key) }, { operation: act.errantReset(i.Key) }],
      },
      i.ExecutedGtidSet !== "" && { label: "Executed", value: i.ExecutedGtidSet, isLong: true },
      i.GtidPurged !== "" && { label: "Purged", value: i.GtidPurged, isLong: true },
    ]),
  };
}

function semiSync(server: Server): Group {
  const i = server.instance;
  const isUsed = i.SemiSyncMasterEnabled || i.SemiSyncReplicaEnabled;
  return {
    name: "Semi-sync",
    rows: isUsed
      ? present([
          { label: "Enabled as primary", ...yes(i.SemiSyncMasterEnabled, undefined) },
          i.SemiSyncMasterEnabled && { label: "Active as primary", ...yes(i.SemiSyncMasterStatus, undefined) },
          i.SemiSyncMasterEnabled && {
            label: "Replicas that acknowledge",
            value: `${i.SemiSyncMasterClients}, waits for ${i.SemiSyncMasterWaitForReplicaCount}`,
          },
          i.SemiSyncMasterEnabled && { label: "Timeout", value: `${i.SemiSyncMasterTimeout} ms` },
          { label: "Enabled as replica", ...yes(i.SemiSyncReplicaEnabled, undefined) },
          i.SemiSyncReplicaEnabled && { label: "Acknowledges", ...yes(i.SemiSyncReplicaStatus, true) },
          i.SemiSyncReplicaEnabled && { label: "Enforced after failover", ...yes(i.SemiSyncPriority > 0, undefined) },
          i.SemiSyncReplicaEnabled &&
            i.SemiSyncPriority > 0 && { label: "Priority", value: String(i.SemiSyncPriority) },
        ])
      : [],
  };
}

function group(server: Server, name: (key: Key) => string): Group {
  const i = server.instance;
  if (i.ReplicationGroupName === "") return { name: "Group", rows: [] };
  return {
    name: "Replication group",
    rows: [
      { label: "Name", value: i.ReplicationGroupName, isLong: true },
      {
        label: "State",
        value: i.ReplicationGroupMemberState,
        tone: i.ReplicationGroupMemberState === "ONLINE" ? "good" : "bad",
      },
      { label: "Role", value: i.ReplicationGroupMemberRole || "none" },
      { label: "Members", value: (i.ReplicationGroupMembers ?? []).map(name).join(", ") },
    ],
  };
}

function location(i: Instance): Group {
  return {
    name: "Place",
    rows: present([
      i.DataCenter !== "" && { label: "Data center", value: i.DataCenter },
      i.Region !== "" && { label: "Region", value: i.Region },
      i.PhysicalEnvironment !== "" && { label: "Environment", value: i.PhysicalEnvironment },
      { label: "TLS to its source", value: i.AllowTLS ? "yes" : "no" },
    ]),
  };
}
