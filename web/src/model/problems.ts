/** What can be wrong with a server, in the order in which it counts. */
import type { Instance } from "../lib/types";

export interface Problem {
  kind: string;
  /** One letter, so that colour is never alone. */
  letter: string;
  tone: Tone;
  short: string;
  meaning: string;
}

export type Tone = "info" | "fatal" | "stale" | "danger" | "warning" | "errant" | "ok";

export const PROBLEMS: readonly Problem[] = [
  { kind: "in_maintenance", letter: "M", tone: "info", short: "maintenance", meaning: "in maintenance" },
  { kind: "last_check_invalid", letter: "X", tone: "fatal", short: "unreachable", meaning: "cannot be reached" },
  { kind: "not_recently_checked", letter: "?", tone: "stale", short: "not checked", meaning: "not checked lately" },
  {
    kind: "not_replicating",
    letter: "R",
    tone: "danger",
    short: "not replicating",
    meaning: "replication does not run",
  },
  { kind: "replication_lag", letter: "L", tone: "warning", short: "lag", meaning: "replication lags" },
  {
    kind: "errant_gtid",
    letter: "E",
    tone: "errant",
    short: "errant GTID",
    meaning: "has transactions its source lacks",
  },
  {
    kind: "group_replication_member_not_online",
    letter: "G",
    tone: "danger",
    short: "group member not online",
    meaning: "is not online in its replication group",
  },
];

const UNKNOWN_ORDER = PROBLEMS.length;

export function problem(kind: string): Problem {
  const known = PROBLEMS.find((one) => one.kind === kind);
  const words = kind.replaceAll("_", " ");
  return known ?? { kind, letter: "!", tone: "danger", short: words, meaning: words };
}

export function problemOrder(kind: string | undefined): number {
  const at = PROBLEMS.findIndex((one) => one.kind === kind);
  return at < 0 ? UNKNOWN_ORDER : at;
}

/** The one that is shown. */
export function firstProblem(instance: Instance): Problem | undefined {
  const kind = instance.Problems?.[0];
  return kind === undefined ? undefined : problem(kind);
}

const lagOf = (instance: Instance) =>
  instance.ReplicationLagSeconds.Valid ? instance.ReplicationLagSeconds.Int64 : -1;

/** Worst first; then lag, largest first; then name. */
export function byProblem(a: Instance, b: Instance): number {
  return (
    problemOrder(a.Problems?.[0]) - problemOrder(b.Problems?.[0]) ||
    lagOf(b) - lagOf(a) ||
    a.Key.Hostname.localeCompare(b.Key.Hostname) ||
    a.Key.Port - b.Key.Port
  );
}

/** How many servers have each kind as their first problem, worst kind first. */
export function countProblems(instances: readonly Instance[]): { problem: Problem; count: number }[] {
  const counts = new Map<string, number>();
  for (const instance of instances) {
    const kind = instance.Problems?.[0];
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => problemOrder(a) - problemOrder(b))
    .map(([kind, count]) => ({ problem: problem(kind), count }));
}
