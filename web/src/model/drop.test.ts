import { describe, expect, test } from "vitest";
import type { Instance } from "../lib/types";
import { world } from "../testing/fixture";
import { choices, drop, type Dragged, type Mode, type Zone } from "./drop";

type More = Readonly<Record<string, Partial<Instance>>>;

const DEAD: Partial<Instance> = { IsLastCheckValid: false, Problems: ["last_check_invalid"] };
const STALE: Partial<Instance> = { IsRecentlyChecked: false, Problems: ["not_recently_checked"] };
const LAGS: Partial<Instance> = {
  Problems: ["replication_lag"],
  ReadBinlogCoordinates: { LogFile: "bin.000001", LogPos: 900 },
};
const LAGS_ONLY: Partial<Instance> = { Problems: ["replication_lag"] };
const NO_LOG: Partial<Instance> = { LogReplicationUpdatesEnabled: false };
const at = (LogPos: number, LogFile = "bin.000001"): Partial<Instance> => ({
  ExecBinlogCoordinates: { LogFile, LogPos },
});
const FROM_B: Partial<Instance> = { MasterKey: { Hostname: "b", Port: 3306 } };

/** `ok relocate/b/3306/c/3306`: verdict and request. */
function verdict(
  shape: string,
  mode: Mode,
  what: string,
  target: string,
  zone: Zone = "replica",
  more: More = {},
): string {
  const server = world(shape, more);
  const dragged: Dragged = what.startsWith("*")
    ? { kind: "replicas", server: server(what.slice(1)) }
    : what.includes("+")
      ? { kind: "group", members: what.split("+").map(server) }
      : { kind: "server", server: server(what) };
  const found = drop(
    mode,
    zone,
    dragged,
    target === "[]" ? { kind: "group" } : { kind: "server", server: server(target) },
  );
  return found.accept === "no" ? "no" : `${found.accept} ${found.operation.path.replaceAll("/3306", "")}`;
}

const FLAT = "a(b,c)";
const DEEP = "a(b(d),c)";
const CO = "a(b,c)";
const CO_FACTS: More = { a: { ...FROM_B, ReadOnly: false } };

type Row = [string, Mode, string, string, string, Zone?, More?];

describe("smart", () => {
  const rows: Row[] = [
    [FLAT, "smart", "b", "c", "warning relocate/b/c"],
    [FLAT, "smart", "b", "c", "no", "replica", { b: DEAD }],
    [FLAT, "smart", "b", "c", "no", "replica", { c: STALE }],
    [FLAT, "smart", "b", "c", "no", "replica", { c: NO_LOG }],
    [FLAT, "smart", "b", "a", "warning relocate/b/a", "replica", { a: NO_LOG }],
    [FLAT, "smart", "b", "b", "no"],
    [FLAT, "smart", "b", "[]", "no"],
    [FLAT, "smart", "a", "b", "ok make-co-master/b"],
    [FLAT, "smart", "a", "b", "no", "replica", { a: LAGS_ONLY }],
    [DEEP, "smart", "b", "d", "no"],
    [DEEP, "smart", "a", "d", "no"],
    [DEEP, "smart", "d", "a", "warning relocate/d/a"],
    ["a(b,c,d)", "smart", "b+c", "d", "warning relocate-replicas/a/d"],
    ["a(b,c,d)", "smart", "b+c", "b", "no"],
  ];
  test.each(rows)("%s %s: %s to %s is %s", (shape, mode, what, target, expected, zone, more) => {
    expect(verdict(shape, mode, what, target, zone, more)).toBe(expected);
  });

  test("a group is named by a pattern that matches its members only", () => {
    const server = world("a(b,c,d)");
    const found = drop(
      "smart",
      "replica",
      { kind: "group", members: [server("b"), server("c")] },
      { kind: "server", server: server("d") },
    );
    const pattern = new RegExp(found.accept === "no" ? "" : (found.operation.body?.["pattern"] ?? ""));
    expect(["b:3306", "c:3306", "d:3306", "xb:3306", "b:33060"].filter((name) => pattern.test(name))).toEqual([
      "b:3306",
      "c:3306",
    ]);
  });
});

describe("GTID", () => {
  const rows: Row[] = [
    [FLAT, "gtid", "b", "c", "ok move-below-gtid/b/c"],
    [FLAT, "gtid", "b", "c", "ok move-below-gtid/b/c", "replica", { b: at(50), c: at(60) }],
    [FLAT, "gtid", "b", "c", "warning move-below-gtid/b/c", "replica", { b: at(60), c: at(50) }],
    [FLAT, "gtid", "b", "c", "ok move-below-gtid/b/c", "replica", { b: at(60), c: at(50, "bin.000002") }],
    [FLAT, "gtid", "b", "c", "no", "replica", { c: NO_LOG }],
    [DEEP, "gtid", "d", "a", "ok move-below-gtid/d/a"],
    [DEEP, "gtid", "d", "c", "warning move-below-gtid/d/c"],
    [DEEP, "gtid", "b", "d", "no"],
    [FLAT, "gtid", "a", "b", "ok make-co-master/b"],
    ["a(b,c,d)", "gtid", "b+c", "d", "no"],
  ];
  test.each(rows)("%s %s: %s to %s is %s", (shape, mode, what, target, expected, zone, more) => {
    expect(verdict(shape, mode, what, target, zone, more)).toBe(expected);
  });
});

describe("classic", () => {
  const rows: Row[] = [
    [FLAT, "classic", "b", "c", "ok move-below/b/c"],
    [FLAT, "classic", "b", "c", "no", "replica", { c: NO_LOG }],
    [FLAT, "classic", "b", "c", "no", "replica", { b: LAGS_ONLY }],
    [DEEP, "classic", "d", "a", "ok move-up/d"],
    [DEEP, "classic", "d", "a", "no", "replica", { d: LAGS }],
    [DEEP, "classic", "d", "a", "ok move-up/d", "replica", { d: LAGS_ONLY }],
    [DEEP, "classic", "d", "b", "ok take-master/d"],
    [DEEP, "classic", "d", "c", "no"],
    [FLAT, "classic", "b", "a", "no"],
    [FLAT, "classic", "a", "b", "ok make-co-master/b"],
    [FLAT, "classic", "b", "b", "no"],
    [CO, "classic", "a", "c", "no", "replica", CO_FACTS],
    [CO, "classic", "a", "c", "ok make-co-master/c", "replica", { ...CO_FACTS, b: { ReadOnly: true } }],
    [CO, "classic", "a", "c", "no", "replica", { ...CO_FACTS, b: { ReadOnly: false } }],
    [CO, "classic", "a", "c", "no", "replica", { ...CO_FACTS, b: { ReadOnly: true }, c: { ReadOnly: false } }],
    [CO, "classic", "a", "b", "no", "replica", { ...CO_FACTS, b: { ReadOnly: true } }],
  ];
  test.each(rows)("%s %s: %s to %s is %s", (shape, mode, what, target, expected, zone, more) => {
    const facts = shape === CO && more?.["a"] ? { b: { ReadOnly: false }, ...more } : more;
    expect(verdict(shape, mode, what, target, zone, facts)).toBe(expected);
  });
});

describe("the master zone", () => {
  const rows: Row[] = [
    [FLAT, "smart", "b", "a", "ok graceful-master-takeover/a/b", "master"],
    [FLAT, "gtid", "b", "a", "ok graceful-master-takeover/a/b", "master"],
    [FLAT, "smart", "b", "a", "no", "master", { b: LAGS_ONLY }],
    [FLAT, "smart", "b", "a", "no", "master", { a: DEAD }],
    [DEEP, "smart", "d", "b", "ok take-master/d", "master"],
    [DEEP, "smart", "d", "b", "no", "master", { d: LAGS }],
    [DEEP, "smart", "d", "c", "warning relocate/d/c", "master"],
    [FLAT, "smart", "b", "[]", "no", "master"],
  ];
  test.each(rows)("%s %s: %s to %s is %s", (shape, mode, what, target, expected, zone, more) => {
    expect(verdict(shape, mode, what, target, zone, more)).toBe(expected);
  });
});

describe("replicas of a server", () => {
  const rows: Row[] = [
    [DEEP, "smart", "*b", "a", "warning relocate-replicas/b/a"],
    [DEEP, "smart", "*b", "b", "ok relocate-replicas/b/b"],
    [DEEP, "smart", "*b", "d", "no"],
    [FLAT, "smart", "*a", "b", "warning relocate-replicas/a/b"],
    [DEEP, "smart", "*b", "c", "no", "replica", { c: NO_LOG }],
    [DEEP, "smart", "*b", "c", "no", "replica", { c: DEAD }],
    [DEEP, "smart", "*b", "c", "warning relocate-replicas/b/c", "replica", { b: DEAD }],
    [DEEP, "gtid", "*b", "a", "ok move-replicas-gtid/b/a"],
    [DEEP, "gtid", "*b", "c", "warning move-replicas-gtid/b/c"],
    [DEEP, "classic", "*b", "b", "ok repoint-replicas/b"],
    [DEEP, "classic", "*b", "a", "ok move-up-replicas/b"],
    [DEEP, "classic", "*b", "c", "no"],
  ];
  test.each(rows)("%s %s: %s to %s is %s", (shape, mode, what, target, expected, zone, more) => {
    expect(verdict(shape, mode, what, target, zone, more)).toBe(expected);
  });
});

test("a takeover comes in both forms, and moving below stays possible", () => {
  const server = world(DEEP);
  const found = choices(
    "smart",
    "master",
    { kind: "server", server: server("b") },
    { kind: "server", server: server("a") },
  );
  expect(found.map((one) => one.path.split("/")[0])).toEqual([
    "graceful-master-takeover-auto",
    "graceful-master-takeover",
    "relocate",
  ]);
  expect(found.map((one) => one.danger)).toEqual([3, 3, 2]);
});
