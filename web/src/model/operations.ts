/** What can be asked of the server, and how much of a question it deserves. */
import { parts } from "../lib/base";
import type { Key } from "../lib/types";
import { titleOf } from "./key";

/** 0 at once · 1 confirm, can be switched off · 2 confirm always · 3 confirm by typing a name. */
export type Danger = 0 | 1 | 2 | 3;

export interface Operation {
  /** On the button. */
  readonly title: string;
  /** Below `/api/`. */
  readonly path: string;
  readonly danger: Danger;
  /** What happens, in a sentence. */
  readonly text: string;
  /** To be typed, with danger 3. */
  readonly name: string;
  readonly body?: Readonly<Record<string, string>>;
  /** What the server would do, as a plan; below `/api/`. */
  readonly preview?: string;
  /** A server about which the node can explain what it sees, for the question. */
  readonly explain?: Key;
}

function on(
  key: Key,
  title: string,
  route: string,
  danger: Danger,
  text: string,
  ...more: (string | number)[]
): Operation {
  return { title, path: `${route}/${parts(key.Hostname, key.Port, ...more)}`, danger, text, name: titleOf(key) };
}

function between(a: Key, b: Key, title: string, route: string, danger: Danger, text: string): Operation {
  return on(a, title, route, danger, text, b.Hostname, b.Port);
}

/** Operations on one server. */
export const act = {
  refresh: (k: Key) => on(k, "Refresh", "refresh", 0, `Reads ${titleOf(k)} now.`),
  discover: (k: Key) => on(k, "Discover", "discover", 0, `Reads ${titleOf(k)}, and from now on watches it.`),
  forget: (k: Key) =>
    on(
      k,
      "Forget",
      "forget",
      2,
      `${titleOf(k)} is no longer watched. It comes back when it is discovered as a replica of another server.`,
    ),
  beginDowntime: (k: Key, owner: string, reason: string, duration: string) =>
    on(
      k,
      "Begin downtime",
      "begin-downtime",
      1,
      `Nothing is done automatically about ${titleOf(k)} for ${duration}.`,
      owner,
      reason,
      duration,
    ),
  endDowntime: (k: Key) => on(k, "End downtime", "end-downtime", 0, `${titleOf(k)} is looked after again.`),
  endMaintenance: (k: Key) =>
    on(k, "End maintenance", "end-maintenance", 0, `Releases the maintenance lock of ${titleOf(k)}.`),
  startReplica: (k: Key) =>
    on(k, "Start replication", "start-replica", 1, `Starts both replication threads of ${titleOf(k)}.`),
  restartReplica: (k: Key) =>
    on(
      k,
      "Restart replication",
      "restart-replica",
      1,
      `Stops both replication threads of ${titleOf(k)} and starts them again.`,
    ),
  stopReplica: (k: Key) =>
    on(
      k,
      "Stop replication",
      "stop-replica",
      2,
      `Stops both replication threads of ${titleOf(k)}. It falls behind until they are started again.`,
    ),
  detach: (k: Key) =>
    on(
      k,
      "Detach replica",
      "detach-replica",
      2,
      `${titleOf(k)} stops replicating, and cannot start again until it is reattached.`,
    ),
  reattach: (k: Key) =>
    on(
      k,
      "Reattach replica",
      "reattach-replica",
      2,
      `${titleOf(k)} gets its former source back and starts replicating.`,
    ),
  resetReplica: (k: Key) =>
    on(k, "Reset replica", "reset-replica", 3, `${titleOf(k)} stops replicating and forgets its source for good.`),
  skipQuery: (k: Key) =>
    on(
      k,
      "Skip query",
      "skip-query",
      3,
      `${titleOf(k)} passes over the transaction its applier failed at. It differs from its source afterwards.`,
    ),
  setReadOnly: (k: Key) => on(k, "Set read-only", "set-read-only", 2, `${titleOf(k)} refuses writes from now on.`),
  setWriteable: (k: Key) =>
    on(
      k,
      "Set writeable",
      "set-writeable",
      3,
      `${titleOf(k)} accepts writes from now on, whatever other servers of its cluster do.`,
    ),
  enableGtid: (k: Key) => on(k, "Enable GTID", "enable-gtid", 2, `${titleOf(k)} replicates by GTID from now on.`),
  disableGtid: (k: Key) =>
    on(k, "Disable GTID", "disable-gtid", 2, `${titleOf(k)} replicates by file and position from now on.`),
  errantReset: (k: Key) =>
    on(
      k,
      "Fix by reset",
      "gtid-errant-reset-master",
      3,
      `Deletes all binary logs of ${titleOf(k)} and takes its errant transactions out of its GTID set. The data they changed stays.`,
    ),
  errantInject: (k: Key) =>
    on(
      k,
      "Fix by empty transactions",
      "gtid-errant-inject-empty",
      3,
      `Commits an empty transaction on the primary for each errant one of ${titleOf(k)}.`,
    ),
  takeSiblings: (k: Key) =>
    on(k, "Take siblings", "take-siblings", 2, `All other replicas of its source go below ${titleOf(k)}.`),
  regroupReplicas: (k: Key) =>
    on(
      k,
      "Regroup replicas",
      "regroup-replicas",
      2,
      `The best replica of ${titleOf(k)} is chosen, and the others go below it.`,
    ),
  flushBinaryLogs: (k: Key) =>
    on(k, "Flush binary logs", "flush-binary-logs", 1, `${titleOf(k)} begins a new binary log.`),
  tag: (k: Key, name: string, value: string): Operation => ({
    ...on(k, "Add tag", "tag", 0, `Tags ${titleOf(k)}.`),
    body: { tag: value ? `${name}=${value}` : name },
  }),
  untag: (k: Key, name: string): Operation => ({
    ...on(k, "Remove tag", "untag", 0, `Untags ${titleOf(k)}.`),
    body: { tag: name },
  }),
  promotionRule: (k: Key, rule: string) =>
    on(
      k,
      `Promotion rule: ${rule}`,
      "register-candidate",
      1,
      `${titleOf(k)} counts as ${rule} when a replica is chosen, until the registration lapses.`,
      rule,
    ),
  moveUp: (k: Key) => on(k, "Move up", "move-up", 2, `${titleOf(k)} goes below the source of its source.`),
  moveUpReplicas: (k: Key) =>
    on(k, "Move up replicas", "move-up-replicas", 2, `The replicas of ${titleOf(k)} go below its source.`),
  repointReplicas: (k: Key) =>
    on(k, "Repoint replicas", "repoint-replicas", 2, `The replicas of ${titleOf(k)} are set to it anew.`),
  takeMaster: (k: Key) =>
    on(k, "Take its source's place", "take-master", 2, `${titleOf(k)} and its source change places.`),
  makeCoMaster: (k: Key) =>
    on(k, "Make co-masters", "make-co-master", 3, `${titleOf(k)} and its source replicate from each other.`),
};

function planned(route: string, ...keys: Key[]): string {
  return `${route}/${parts(...keys.flatMap((key) => [key.Hostname, key.Port]))}`;
}

/** The operation, shown as the failover of a primary that it is. */
export function withFailoverPlan(operation: Operation, failed: Key, candidate?: Key): Operation {
  return { ...operation, preview: planned("plan-failover", failed, ...(candidate ? [candidate] : [])) };
}

/** Operations on a server and a place for it. */
export const move = {
  relocate: (k: Key, below: Key) =>
    between(
      k,
      below,
      "Relocate",
      "relocate",
      2,
      `${titleOf(k)} goes below ${titleOf(below)}, by whatever way is safe. A move that fails is undone.`,
    ),
  relocateReplicas: (k: Key, below: Key, pattern = ""): Operation => ({
    ...between(
      k,
      below,
      "Relocate replicas",
      "relocate-replicas",
      2,
      `${pattern ? "Some" : "The"} replicas of ${titleOf(k)} go below ${titleOf(below)}, by whatever way is safe.`,
    ),
    ...(pattern ? { body: { pattern } } : {}),
  }),
  byGtid: (k: Key, below: Key) =>
    between(
      k,
      below,
      "Move by GTID",
      "move-below-gtid",
      2,
      `${titleOf(k)} goes below ${titleOf(below)}, by GTID and in no other way.`,
    ),
  replicasByGtid: (k: Key, below: Key) =>
    between(
      k,
      below,
      "Move replicas by GTID",
      "move-replicas-gtid",
      2,
      `The replicas of ${titleOf(k)} go below ${titleOf(below)}, by GTID and in no other way.`,
    ),
  below: (k: Key, sibling: Key) =>
    between(k, sibling, "Move below", "move-below", 2, `${titleOf(k)} goes below its sibling ${titleOf(sibling)}.`),
  equivalent: (k: Key, to: Key) =>
    between(
      k,
      to,
      "Revert",
      "move-equivalent",
      2,
      `${titleOf(k)} goes below ${titleOf(to)}, at a place that an earlier move has shown to equal its own.`,
    ),
  takeover: (master: Key, replica: Key): Operation => ({
    ...between(
      master,
      replica,
      "Take over, former primary stays stopped",
      "graceful-master-takeover",
      3,
      `${titleOf(master)} becomes read-only and ${titleOf(replica)} is promoted in its place. The former primary is set up as its replica, but not started.`,
    ),
    preview: planned("plan-takeover", master, replica),
  }),
  takeoverAuto: (master: Key, replica: Key): Operation => ({
    ...between(
      master,
      replica,
      "Take over",
      "graceful-master-takeover-auto",
      3,
      `${titleOf(master)} becomes read-only, ${titleOf(replica)} is promoted in its place, and the former primary replicates from it.`,
    ),
    preview: planned("plan-takeover", master, replica),
  }),
};

/** What can be done about a failure. */
export const recover = {
  auto: (k: Key): Operation => ({
    ...on(
      k,
      "Recover",
      "recover",
      3,
      `Does what would be done automatically about ${titleOf(k)}, whatever downtime, filters and earlier recoveries say. Hooks run.`,
    ),
    explain: k,
  }),
  promote: (k: Key, candidate: Key): Operation => ({
    ...between(
      k,
      candidate,
      `Recover, promote ${titleOf(candidate)}`,
      "recover",
      3,
      `${titleOf(candidate)} is promoted in the place of ${titleOf(k)}, or no server. Hooks run.`,
    ),
    explain: k,
  }),
  force: (k: Key): Operation => ({
    ...on(
      k,
      "Force failover now",
      "force-master-failover",
      3,
      `${titleOf(k)} is treated as dead and the best replica is promoted. It is not asked, and may still accept writes.`,
    ),
    explain: k,
  }),
};

function global(title: string, path: string, danger: Danger, text: string, name: string): Operation {
  return { title, path, danger, text, name };
}

/** Operations on this node, clusters and records. */
export const manage = {
  disableRecoveries: () =>
    global(
      "Disable recoveries",
      "disable-global-recoveries",
      3,
      "No failure of any cluster is recovered automatically, on any node, until this is enabled again.",
      "disable",
    ),
  enableRecoveries: () =>
    global(
      "Enable recoveries",
      "enable-global-recoveries",
      1,
      "Failures are recovered automatically again, on all nodes.",
      "",
    ),
  reloadConfiguration: () =>
    global(
      "Reload configuration",
      "reload-configuration",
      1,
      "Reads the configuration files again. A broken file changes nothing.",
      "",
    ),
  resetResolveCache: () =>
    global("Reset name cache", "reset-hostname-resolve-cache", 1, "Host names are resolved anew.", ""),
  reelect: () =>
    global(
      "Reelect",
      "reelect",
      2,
      "Ends the term of the active node. The next one is whoever asks first, maybe the same.",
      "",
    ),
  setAlias: (cluster: string, alias: string): Operation => ({
    ...global("Set alias", `set-cluster-alias/${parts(cluster)}`, 0, `${cluster} is called ${alias}.`, ""),
    body: { alias },
  }),
  forgetCluster: (cluster: string, alias: string) =>
    global(
      "Forget cluster",
      `forget-cluster/${parts(cluster)}`,
      3,
      `No server of ${cluster} is watched any longer.`,
      alias || cluster,
    ),
  acknowledge: (id: number, comment: string): Operation => ({
    ...global(
      "Acknowledge",
      `ack-recovery/${id}`,
      0,
      "Automatic recovery of this cluster is no longer held up by this recovery.",
      "",
    ),
    body: { comment },
  }),
};
