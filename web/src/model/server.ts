/** A server as the pages see it: what the API tells, and what follows from that and from the servers beside it. */
import type { Instance, Key } from "../lib/types";
import { isServer, titleOf } from "./key";
import { firstProblem, type Tone } from "./problems";

export interface Server {
  readonly id: string;
  readonly instance: Instance;
  /** What it replicates from, by its own word or its group's. */
  readonly sourceKey: Key;
  source: Server | undefined;
  readonly children: Server[];
  readonly isMaster: boolean;
  isCoMaster: boolean;
  readonly replicationRunning: boolean;
  readonly replicationAttempting: boolean;
  readonly supportsGtid: boolean;
  readonly usingGtid: boolean;
  readonly hasConnectivityProblem: boolean;
  readonly hasProblem: boolean;
}

/** The primary of its group for a secondary; otherwise what it is configured for. */
function sourceKey(instance: Instance): Key {
  const role = instance.ReplicationGroupMemberRole;
  const isSecondary = instance.ReplicationGroupName !== "" && (role === "SECONDARY" || role === "");
  const primary = instance.ReplicationGroupPrimaryInstanceKey;
  return isSecondary && isServer(primary) ? primary : instance.MasterKey;
}

function serverOf(instance: Instance): Server {
  const sql = instance.ReplicationSQLThreadRuning;
  const io = instance.ReplicationIOThreadRuning;
  const id = titleOf(instance.Key);
  return {
    id,
    instance,
    sourceKey: sourceKey(instance),
    source: undefined,
    children: [],
    isMaster: id === instance.ClusterName,
    isCoMaster: false,
    replicationRunning: sql && io,
    replicationAttempting: sql || io,
    supportsGtid: instance.SupportsOracleGTID || instance.UsingMariaDBGTID,
    usingGtid: instance.UsingOracleGTID || instance.UsingMariaDBGTID,
    hasConnectivityProblem: !instance.IsLastCheckValid || !instance.IsRecentlyChecked,
    hasProblem: (instance.Problems ?? []).length > 0,
  };
}

/** The servers of a list, linked with each other; by `host:port`. */
export function serversOf(instances: readonly Instance[]): Map<string, Server> {
  const servers = new Map(instances.map((instance) => [titleOf(instance.Key), serverOf(instance)]));
  for (const server of servers.values()) {
    const source = servers.get(titleOf(server.sourceKey));
    if (source && source !== server) {
      server.source = source;
      source.children.push(server);
    }
  }
  for (const server of servers.values()) {
    if (server.isMaster && server.source?.source === server) {
      server.isCoMaster = true;
      server.source.isCoMaster = true;
    }
  }
  for (const server of servers.values()) server.children.sort(inOrder);
  return servers;
}

/** Servers that have replicas first, then by data center, host and port: the same on every screen. */
export function inOrder(a: Server, b: Server): number {
  return (
    Number(b.children.length > 0) - Number(a.children.length > 0) ||
    a.instance.DataCenter.localeCompare(b.instance.DataCenter) ||
    a.instance.Key.Hostname.localeCompare(b.instance.Key.Hostname) ||
    a.instance.Key.Port - b.instance.Key.Port
  );
}

/** It applied everything it received. */
export function isCaughtUp(server: Server): boolean {
  const { ExecBinlogCoordinates: exec, ReadBinlogCoordinates: read } = server.instance;
  return server.source !== undefined && exec.LogFile === read.LogFile && exec.LogPos === read.LogPos;
}

/** `a` lies at or before `b`. Files are compared by the number behind their last dot. */
export function isNotBeyond(a: Server, b: Server): boolean {
  return comparePlaces(a, b) <= 0;
}

export function comparePlaces(a: Server, b: Server): number {
  const [x, y] = [a.instance.ExecBinlogCoordinates, b.instance.ExecBinlogCoordinates];
  if (x.LogFile === y.LogFile) return x.LogPos - y.LogPos;
  const number = (file: string) => Number(file.slice(file.lastIndexOf(".") + 1)) || 0;
  return number(x.LogFile) - number(y.LogFile);
}

/** Of the reachable replicas of servers that cannot be reached, those that applied most. */
export function mostAdvanced(servers: Iterable<Server>): Set<string> {
  const found = new Set<string>();
  for (const server of servers) {
    if (!server.hasConnectivityProblem) continue;
    const reachable = server.children.filter((child) => !child.hasConnectivityProblem);
    const best = reachable.reduce<Server | undefined>(
      (top, one) => (top && comparePlaces(top, one) >= 0 ? top : one),
      undefined,
    );
    for (const child of reachable) if (best && comparePlaces(child, best) === 0) found.add(child.id);
  }
  return found;
}

/** The colour of a server's box. Errant transactions alone do not colour it. */
export function toneOf(server: Server): Tone {
  const first = firstProblem(server.instance);
  if (!first) return "ok";
  if (first.kind === "group_replication_member_not_online")
    return server.instance.ReplicationGroupMemberState === "RECOVERING" ? "warning" : "danger";
  return first.kind === "errant_gtid" || first.kind === "in_maintenance" ? "ok" : first.tone;
}

/** The API writes an empty error as two quotes. */
export function errorText(text: string): string {
  return text === '""' ? "" : text;
}

/** `ROW/F`: format and image of the binary log. */
export function binlogText(instance: Instance): string {
  if (!instance.LogBinEnabled) return "";
  const image = instance.BinlogRowImage;
  return instance.Binlog_format === "ROW" && image ? `ROW/${image[0] ?? ""}` : instance.Binlog_format;
}
