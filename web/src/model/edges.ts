/** How the line from a source to a replica looks, and what that says. */
import type { Placed } from "./layout";
import type { Server } from "./server";

export interface EdgeLook {
  state: "running" | "lagging" | "stopped" | "detached";
  crossesDataCenters: boolean;
  isSemiSync: boolean;
}

function membersOf(placed: Placed): readonly Server[] {
  return placed.box.kind === "server" ? [placed.box.server] : placed.box.members;
}

export function edgeLook(source: Server | undefined, replicas: readonly Server[]): EdgeLook {
  const any = (test: (one: Server) => boolean) => replicas.some(test);
  const state = any((one) => one.instance.IsDetached)
    ? "detached"
    : any((one) => !one.replicationRunning || one.hasConnectivityProblem)
      ? "stopped"
      : any((one) => (one.instance.Problems ?? []).includes("replication_lag"))
        ? "lagging"
        : "running";
  return {
    state,
    crossesDataCenters: any((one) => source !== undefined && one.instance.DataCenter !== source.instance.DataCenter),
    isSemiSync: source?.instance.SemiSyncMasterStatus === true && any((one) => one.instance.SemiSyncReplicaStatus),
  };
}

export function lookOf(from: Placed, to: Placed): EdgeLook {
  return edgeLook(membersOf(from)[0], membersOf(to));
}
