/** Everything the page of a cluster shows, read together. */
import { read, readList } from "./api";
import { parts } from "./base";
import type { Scope } from "./routes";
import type { Analysis, Answer, ClusterInfo, Instance, Key, Maintenance, Recovery } from "./types";
import { titleOf } from "../model/key";
import { readTags } from "../model/tags";

export interface ClusterData {
  info: ClusterInfo;
  instances: Instance[];
  analysis: Analysis[];
  maintenance: Map<string, string>;
  active: Recovery[];
  /** By server. */
  pools: Map<string, string[]>;
  tags: Map<string, string[]>;
}

/** The cluster that an address means. */
async function infoOf(scope: Exclude<Scope, { kind: "all" }>): Promise<ClusterInfo> {
  switch (scope.kind) {
    case "alias":
      return read<ClusterInfo>(`cluster-info/alias/${parts(scope.alias)}`);
    case "cluster":
      return read<ClusterInfo>(`cluster-info/${parts(scope.name)}`);
    case "instance": {
      const instance = await read<Instance>(`instance/${parts(scope.host, scope.port)}`);
      return read<ClusterInfo>(`cluster-info/${parts(instance.ClusterName)}`);
    }
  }
}

export async function loadCluster(scope: Exclude<Scope, { kind: "all" }>): Promise<ClusterData> {
  const info = await infoOf(scope);
  const name = parts(info.ClusterName);
  const [instances, analysis, maintenance, active, pools, tags] = await Promise.all([
    readList<Instance>(`cluster/${name}`),
    readList<Analysis>(`replication-analysis/${name}`),
    readList<Maintenance>("maintenance"),
    readList<Recovery>(`active-cluster-recovery/${name}`),
    read<Answer>(`cluster-pool-instances/${name}`),
    read<Answer>(`topology-tags/${name}`),
  ]);
  return {
    info,
    instances,
    analysis,
    maintenance: new Map(maintenance.map((one) => [titleOf(one.Key), one.Reason])),
    active,
    pools: poolsByServer(pools.Details),
    tags: readTags(tags.Details),
  };
}

function poolsByServer(details: unknown): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [pool, keys] of Object.entries((details ?? {}) as Record<string, Key[] | null>))
    for (const key of keys ?? []) found.set(titleOf(key), [...(found.get(titleOf(key)) ?? []), pool]);
  return found;
}
