/** What the analysis found, sorted into what is shouted and what is said. */
import type { Analysis, BlockedRecovery, ClusterInfo } from "../lib/types";
import { sameKey } from "./key";

/** The original does not shout about these, though it reports them. */
const QUIET: ReadonlySet<string> = new Set([
  "NoProblem",
  "MasterWithTooManySemiSyncReplicas",
  "DeadReplicationGroupMemberWithReplicas",
  "UnreachableCoMaster",
  "AllCoMasterReplicasNotReplicating",
  "MasterSingleReplicaNotReplicating",
  "MasterSingleReplicaDead",
  "LockedSemiSyncMasterHypothesis",
  "FirstTierReplicaFailingToConnectToMaster",
  "MasterWithoutReplicas",
]);

export type Severity = "failure" | "structure" | "downtimed";

/** One thing found about one server. An analysis can hold a failure and several weaknesses of structure. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  readonly isStructure: boolean;
  readonly isBlocked: boolean;
  readonly analysis: Analysis;
}

export function findingsOf(entries: readonly Analysis[], blocked: readonly BlockedRecovery[] = []): Finding[] {
  return entries.flatMap((analysis) => {
    const isDowntimed = analysis.IsDowntimed || analysis.IsReplicasDowntimed;
    const isBlocked = blocked.some(
      (one) => one.Analysis === analysis.Analysis && sameKey(one.FailedInstanceKey, analysis.AnalyzedInstanceKey),
    );
    const make = (code: string, isStructure: boolean): Finding => ({
      code,
      severity: isDowntimed ? "downtimed" : isStructure ? "structure" : "failure",
      isStructure,
      isBlocked: isBlocked && !isStructure,
      analysis,
    });
    const failures = isFailure(analysis.Analysis) ? [make(analysis.Analysis, false)] : [];
    return [...failures, ...(analysis.StructureAnalysis ?? []).map((code) => make(code, true))];
  });
}

/** A code that is no weakness of structure and worth a shout. Unknown codes are: better too loud. */
export function isFailure(code: string): boolean {
  return code !== "" && !QUIET.has(code);
}

const RANK: Readonly<Record<Severity, number>> = { failure: 0, structure: 1, downtimed: 2 };

export function worst(findings: readonly Finding[]): Severity | undefined {
  return findings.map((one) => one.severity).sort((a, b) => RANK[a] - RANK[b])[0];
}

export interface ClusterFindings {
  readonly cluster: ClusterInfo;
  readonly findings: readonly Finding[];
}

/** Clusters with something to tell: those with more than downtimed entries first, then the largest, then by name. */
export function byCluster(findings: readonly Finding[], clusters: readonly ClusterInfo[]): ClusterFindings[] {
  const known = new Map(clusters.map((cluster) => [cluster.ClusterName, cluster]));
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const name = finding.analysis.ClusterDetails.ClusterName;
    groups.set(name, [...(groups.get(name) ?? []), finding]);
  }
  return [...groups]
    .map(([name, list]) => ({
      // A cluster that is analysed but not listed yet is described by the analysis itself.
      cluster: known.get(name) ?? (list[0] as Finding).analysis.ClusterDetails,
      findings: list.toSorted((a, b) => RANK[a.severity] - RANK[b.severity] || a.code.localeCompare(b.code)),
    }))
    .sort(
      (a, b) =>
        Number(worst(a.findings) === "downtimed") - Number(worst(b.findings) === "downtimed") ||
        b.cluster.CountInstances - a.cluster.CountInstances ||
        a.cluster.ClusterName.localeCompare(b.cluster.ClusterName),
    );
}

export type ClusterOrder = "count" | "name" | "alias" | "problems";

export function sortClusters<T extends { cluster: ClusterInfo; trouble: number }>(
  list: readonly T[],
  order: ClusterOrder,
): T[] {
  const name = (a: T, b: T) => a.cluster.ClusterName.localeCompare(b.cluster.ClusterName);
  const alias = (one: T) => one.cluster.ClusterAlias || one.cluster.ClusterName;
  const compare: Record<ClusterOrder, (a: T, b: T) => number> = {
    count: (a, b) => b.cluster.CountInstances - a.cluster.CountInstances || name(a, b),
    name,
    alias: (a, b) => alias(a).localeCompare(alias(b)) || name(a, b),
    problems: (a, b) => b.trouble - a.trouble || b.cluster.CountInstances - a.cluster.CountInstances || name(a, b),
  };
  return list.toSorted(compare[order]);
}
