/**
 * What a server that is dropped onto another means. The tables are the original's, row by row; the first row that matches
 * decides. `N` is dragged, `T` is the target.
 */
import type { Operation } from "./operations";
import { act, move } from "./operations";
import { groupPattern } from "./forest";
import { isServer } from "./key";
import { isCaughtUp, isNotBeyond, type Server } from "./server";

export type Mode = "smart" | "classic" | "gtid";
/** The left part of a target is its master zone; the right part takes replicas. */
export type Zone = "master" | "replica";

/** What is dragged: a server, a group of replicas of one source, or all replicas of a server. */
export type Dragged =
  | { kind: "server"; server: Server }
  | { kind: "group"; members: readonly Server[] }
  | { kind: "replicas"; server: Server };

/** What it is dropped on. */
export type Target = { kind: "server"; server: Server } | { kind: "group" };

export type Verdict = { accept: "no"; why: string } | { accept: "ok" | "warning"; operation: Operation };

const no = (why: string): Verdict => ({ accept: "no", why });
const ok = (operation: Operation): Verdict => ({ accept: "ok", operation });
const warning = (operation: Operation): Verdict => ({ accept: "warning", operation });

const GROUP_TARGET = "a group of servers is no single place";
const CANNOT_LOG = "the target does not log what it replicates";
const SELF = "a server cannot replicate from itself";
const BELOW = "the target replicates from it";

export function drop(mode: Mode, zone: Zone, dragged: Dragged, target: Target): Verdict {
  if (target.kind === "group") return no(GROUP_TARGET);
  const t = target.server;
  if (dragged.kind === "replicas") return dropReplicas(mode, dragged.server, t);
  const asMaster = zone === "master" ? dropOnMasterZone(dragged, t) : undefined;
  if (asMaster) return asMaster;
  switch (mode) {
    case "smart":
      return dropSmart(dragged, t);
    case "gtid":
      return dropGtid(dragged, t);
    case "classic":
      return dropClassic(dragged, t);
  }
}

const key = (server: Server) => server.instance.Key;
const isChild = (a: Server, of: Server) => a.source === of;
const isSoleMaster = (server: Server) => server.isMaster && !server.isCoMaster;
const hasOwnMaster = (server: Server) => isServer(server.instance.MasterKey);
const cannotServe = (t: Server) => hasOwnMaster(t) && !t.instance.LogReplicationUpdatesEnabled;
const areSiblings = (a: Server, b: Server) => a !== b && a.source !== undefined && a.source === b.source;

/** At any depth; not further than replication is deep, for rings have no end. */
export function isDescendant(a: Server, of: Server): boolean {
  let above = a.source;
  for (let steps = a.instance.ReplicationDepth + 1; above && steps > 0; steps -= 1) {
    if (above === of) return true;
    above = above.source;
  }
  return false;
}

function unreachable(n: Server, t: Server): Verdict | undefined {
  if (n.hasConnectivityProblem) return no(`${n.id} was not read lately`);
  if (t.hasConnectivityProblem) return no(`${t.id} was not read lately`);
  return undefined;
}

function coMasters(n: Server, t: Server): Verdict {
  return n.hasProblem ? no(`${n.id} has a problem`) : ok(act.makeCoMaster(key(t)));
}

function dropSmart(dragged: Exclude<Dragged, { kind: "replicas" }>, t: Server): Verdict {
  const n = dragged.kind === "group" ? dragged.members[0] : dragged.server;
  if (!n) return no("nothing is dragged");
  const bad = unreachable(n, t);
  if (bad) return bad;
  if (cannotServe(t)) return no(CANNOT_LOG);
  if (dragged.kind === "group") {
    if (dragged.members.includes(t)) return no(SELF);
    if (!n.source) return no("the source of the group is not known");
    return warning(move.relocateReplicas(key(n.source), key(t), groupPattern(dragged.members)));
  }
  if (n === t) return no(SELF);
  if (isChild(t, n) && isSoleMaster(n)) return coMasters(n, t);
  if (isDescendant(t, n)) return no(BELOW);
  return warning(move.relocate(key(n), key(t)));
}

function dropGtid(dragged: Exclude<Dragged, { kind: "replicas" }>, t: Server): Verdict {
  if (dragged.kind === "group") return no("a group is moved in smart mode only");
  const n = dragged.server;
  const bad = unreachable(n, t);
  if (bad) return bad;
  if (cannotServe(t)) return no(CANNOT_LOG);
  if (n === t) return no(SELF);
  if (isChild(t, n) && isSoleMaster(n)) return coMasters(n, t);
  if (isDescendant(t, n)) return no(BELOW);
  const operation = move.byGtid(key(n), key(t));
  const isSafe = isDescendant(n, t) || (areSiblings(n, t) && isNotBeyond(n, t));
  return isSafe ? ok(operation) : warning(operation);
}

/** A server with a problem may still move where only its position counts and it applied everything. */
function isStuck(n: Server): boolean {
  return n.hasProblem && !isCaughtUp(n);
}

function dropClassic(dragged: Exclude<Dragged, { kind: "replicas" }>, t: Server): Verdict {
  if (dragged.kind === "group") return no("a group is moved in smart mode only");
  const n = dragged.server;
  if (n === t) return no(SELF);
  if (isChild(t, n) && n.isCoMaster) {
    const present = n.source;
    if (!t.instance.ReadOnly) return no(`${t.id} is not read-only`);
    if (present === t) return no("they are co-masters already");
    if (present && (present.hasConnectivityProblem || present.instance.ReadOnly)) return ok(act.makeCoMaster(key(t)));
  }
  if (n.isCoMaster) return no("a co-master is not moved in classic mode");
  if (areSiblings(n, t)) {
    if (n.hasProblem || t.hasProblem) return no("one of them has a problem");
    return t.instance.LogReplicationUpdatesEnabled ? ok(move.below(key(n), key(t))) : no(CANNOT_LOG);
  }
  const above = n.source;
  if (above && isChild(above, t)) {
    return isStuck(n) ? no(`${n.id} has a problem`) : ok(act.moveUp(key(n)));
  }
  if (isChild(n, t) && !t.isMaster) return isStuck(n) ? no(`${n.id} has a problem`) : ok(act.takeMaster(key(n)));
  if (isChild(t, n) && isSoleMaster(n)) return coMasters(n, t);
  return no("classic mode moves one level up, or below a sibling");
}

/** `undefined`: the rules of the mode decide. */
function dropOnMasterZone(dragged: Exclude<Dragged, { kind: "replicas" }>, t: Server): Verdict | undefined {
  const n = dragged.kind === "group" ? dragged.members[0] : dragged.server;
  const bad = n && unreachable(n, t);
  if (bad) return bad;
  if (dragged.kind === "group" || !n || !isChild(n, t)) return undefined;
  if (!t.isMaster && !t.isCoMaster) return isStuck(n) ? no(`${n.id} has a problem`) : ok(act.takeMaster(key(n)));
  if (t.isMaster && !n.isCoMaster) {
    return n.hasProblem ? no(`${n.id} has a problem`) : ok(move.takeover(key(t), key(n)));
  }
  return undefined;
}

function dropReplicas(mode: Mode, n: Server, t: Server): Verdict {
  if (n.children.length === 0) return no(`${n.id} has no replicas`);
  if (mode === "classic") {
    if (n === t) return ok(act.repointReplicas(key(n)));
    return isChild(n, t) ? ok(act.moveUpReplicas(key(n))) : no("classic mode moves replicas one level up");
  }
  if (t.hasConnectivityProblem) return no(`${t.id} was not read lately`);
  if (cannotServe(t)) return no(CANNOT_LOG);
  const operation = mode === "smart" ? move.relocateReplicas(key(n), key(t)) : move.replicasByGtid(key(n), key(t));
  if (n === t) return ok(operation);
  if (isDescendant(t, n) && n.children.length <= 1) return no("the target is its only replica");
  return mode === "gtid" && isDescendant(n, t) ? ok(operation) : warning(operation);
}

/**
 * Everything that a drop can mean, what the zone asks for first: the other zone's meaning follows, and a takeover comes in
 * both forms, the one that starts the former primary's replication first.
 */
export function choices(mode: Mode, zone: Zone, dragged: Dragged, target: Target): Operation[] {
  const other: Zone = zone === "master" ? "replica" : "master";
  const operations = [drop(mode, zone, dragged, target), drop(mode, other, dragged, target)].flatMap((verdict) =>
    verdict.accept === "no" ? [] : withVariants(verdict.operation, dragged, target),
  );
  return operations.filter((one, index) => operations.findIndex((other) => other.path === one.path) === index);
}

function withVariants(operation: Operation, dragged: Dragged, target: Target): Operation[] {
  const isTakeover = operation.path.startsWith("graceful-master-takeover/");
  if (!isTakeover || dragged.kind !== "server" || target.kind !== "server") return [operation];
  return [move.takeoverAuto(key(target.server), key(dragged.server)), operation];
}
