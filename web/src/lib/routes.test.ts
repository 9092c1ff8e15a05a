import { expect, test } from "vitest";
import { baseOf, parts, safeLink } from "./base";
import { readRoute, to } from "./routes";

test.each([
  ["/web/clusters", ""],
  ["/orc/web/clusters/", "/orc"],
  ["/a/b/web/cluster/x", "/a/b"],
  ["/orc/web", "/orc"],
])("%s lives at %s", (path, base) => {
  expect(baseOf(path)).toBe(base);
});

test.each([
  ["clusters/", { page: "clusters" }],
  ["", { page: "clusters" }],
  ["home", { page: "about" }],
  ["clusters-analysis", { page: "analysis" }],
  ["cluster/db%3A3306", { page: "cluster", scope: { kind: "cluster", name: "db:3306" } }],
  ["cluster/alias/a%2Fb", { page: "cluster", scope: { kind: "alias", alias: "a/b" } }],
  ["cluster/instance/h/3306", { page: "cluster", scope: { kind: "instance", host: "h", port: "3306" } }],
  ["cluster-pools/x", { page: "pools", name: "x" }],
  ["search/abc", { page: "search", text: "abc" }],
  ["audit/2", { page: "audit", scope: { kind: "all" }, number: 2 }],
  ["audit/x", { page: "audit", scope: { kind: "all" }, number: 0 }],
  ["audit/instance/h/1/3", { page: "audit", scope: { kind: "instance", host: "h", port: "1" }, number: 3 }],
  ["audit-recovery/alias/al/1", { page: "recoveries", scope: { kind: "alias", alias: "al" }, number: 1 }],
  ["audit-recovery-steps/u", { page: "recovery", by: "uid", value: "u" }],
  ["audit-recovery/id/7", { page: "recovery", by: "id", value: "7" }],
  ["audit-failure-detection/id/7", { page: "detections", scope: { kind: "all" }, number: 0, id: "7" }],
  ["seed-details/7", { page: "seed", id: "7" }],
  ["nosuch", { page: "none" }],
  ["cluster/%E0%A4%A", { page: "cluster", scope: { kind: "cluster", name: "%E0%A4%A" } }],
])("%s", (path, route) => {
  expect(readRoute(`/orc/web/${path}`, "", "/orc")).toEqual(route);
});

test("the text to search for may stand in the query, and the path wins", () => {
  expect(readRoute("/web/search", "?s=a%26b", "")).toEqual({ page: "search", text: "a&b" });
  expect(readRoute("/web/search/x", "?s=y", "")).toEqual({ page: "search", text: "x" });
});

test("no name breaks out of its part of an address", () => {
  expect(parts("a/b?c#d", "..%2f")).toBe("a%2Fb%3Fc%23d/..%252f");
  expect(to.cluster("x/../../api")).toBe("/web/cluster/x%2F..%2F..%2Fapi");
  expect(to.clusterOf("n:1", "n:1")).toBe("/web/cluster/n%3A1");
});

test("only web addresses become links", () => {
  expect(safeLink("https://node:3000")).toBe("https://node:3000/");
  for (const text of ["javascript:alert(1)", "data:text/html,x", "node:3000", ""])
    expect(safeLink(text)).toBeUndefined();
});
