import { expect, test } from "vitest";
import type { Analysis, ClusterInfo } from "../lib/types";
import { key } from "../testing/fixture";
import { byCluster, findingsOf, sortClusters, worst } from "./analysis";

const cluster = (name: string, size = 3, alias = ""): ClusterInfo => ({
  ClusterName: name,
  ClusterAlias: alias,
  ClusterDomain: "",
  CountInstances: size,
  HeuristicLag: 0,
  HasAutomatedMasterRecovery: true,
  HasAutomatedIntermediateMasterRecovery: false,
});

const entry = (code: string, structure: string[] = [], more: Partial<Analysis> = {}): Analysis => ({
  AnalyzedInstanceKey: key("a"),
  AnalyzedInstanceMasterKey: key(""),
  ClusterDetails: cluster("a:3306"),
  Analysis: code,
  Description: "",
  StructureAnalysis: structure,
  IsDowntimed: false,
  IsReplicasDowntimed: false,
  DowntimeEndTimestamp: "",
  CountReplicas: 2,
  Replicas: [],
  ...more,
});

test("a failure and weaknesses of structure of one server are told apart, and none is lost", () => {
  const found = findingsOf([entry("DeadMaster", ["StatementAndMixedLoggingReplicasStructureWarning"])]);
  expect(found.map((one) => `${one.severity} ${one.code}`)).toEqual([
    "failure DeadMaster",
    "structure StatementAndMixedLoggingReplicasStructureWarning",
  ]);
});

test("what the original does not shout about is not shouted about", () => {
  expect(findingsOf([entry("NoProblem"), entry("MasterWithoutReplicas"), entry("MasterSingleReplicaDead")])).toEqual(
    [],
  );
});

test("a downtime makes everything quiet, and a recovery that is held up is marked", () => {
  const blocked = [
    {
      FailedInstanceKey: key("a"),
      ClusterName: "a:3306",
      Analysis: "DeadMaster",
      LastBlockedTimestamp: "",
      BlockingRecoveryId: 1,
    },
  ];
  expect(findingsOf([entry("DeadMaster", [], { IsDowntimed: true })])[0]?.severity).toBe("downtimed");
  expect(findingsOf([entry("DeadMaster")], blocked)[0]?.isBlocked).toBe(true);
  expect(findingsOf([entry("UnreachableMaster")], blocked)[0]?.isBlocked).toBe(false);
});

test("clusters with only downtimed entries come last, large ones first", () => {
  const of = (name: string, size: number, more: Partial<Analysis> = {}) =>
    entry("DeadMaster", [], { ClusterDetails: cluster(name, size), ...more });
  const found = byCluster(
    findingsOf([of("small", 2), of("down", 9, { IsDowntimed: true }), of("big", 5), of("unlisted", 1)]),
    [cluster("small", 2), cluster("big", 5)],
  );
  expect(found.map((one) => one.cluster.ClusterName)).toEqual(["big", "small", "unlisted", "down"]);
  expect(worst(found[0]?.findings ?? [])).toBe("failure");
});

test("the dashboard is sorted as asked, ties by name", () => {
  const rows = [
    { cluster: cluster("c", 1, "x"), trouble: 0 },
    { cluster: cluster("b", 5), trouble: 7 },
    { cluster: cluster("a", 5, "z"), trouble: 0 },
  ];
  const sorted = (order: Parameters<typeof sortClusters>[1]) =>
    sortClusters(rows, order)
      .map((one) => one.cluster.ClusterName)
      .join("");
  expect([sorted("count"), sorted("name"), sorted("alias"), sorted("problems")]).toEqual(["abc", "abc", "bca", "bac"]);
});
