import { expect, test } from "vitest";
import { instance, key, shape, world } from "../testing/fixture";
import { badgesOf } from "./badges";
import { lagText } from "./lag";
import { byProblem, countProblems } from "./problems";
import { isCaughtUp, mostAdvanced, serversOf, toneOf } from "./server";

const names = (list: Iterable<{ id: string }>) => [...list].map((one) => one.id.split(":")[0]).join(" ");

test("servers know their sources and replicas", () => {
  const server = world("a(b,c(d))");
  expect(server("d").source).toBe(server("c"));
  expect(names(server("a").children)).toBe("c b");
  expect([server("a").isMaster, server("b").isMaster]).toEqual([true, false]);
});

test("two servers that replicate from each other are co-masters", () => {
  const server = world("a(b,c)", { a: { MasterKey: key("b") } });
  expect(["a", "b", "c"].filter((name) => server(name).isCoMaster)).toEqual(["a", "b"]);
});

test("a secondary of a group replicates from the group's primary", () => {
  const group = { ReplicationGroupName: "g", ReplicationGroupPrimaryInstanceKey: key("a") };
  const server = world("a,b,c", {
    a: { ...group, ReplicationGroupMemberRole: "PRIMARY" },
    b: { ...group, ReplicationGroupMemberRole: "SECONDARY" },
    c: { ...group, ReplicationGroupMemberRole: "" },
  });
  expect(names(server("a").children)).toBe("b c");
});

test("the color follows the first problem, and errant transactions alone have none", () => {
  const tone = (...Problems: string[]) => toneOf(world("a", { a: { Problems } })("a"));
  expect([
    tone(),
    tone("errant_gtid"),
    tone("last_check_invalid"),
    tone("not_recently_checked"),
    tone("not_replicating"),
  ]).toEqual(["ok", "ok", "fatal", "stale", "danger"]);
  expect([
    tone("replication_lag", "errant_gtid"),
    tone("group_replication_member_not_online"),
    tone("never_heard_of"),
  ]).toEqual(["warning", "danger", "danger"]);
});

test("of the replicas of an unreachable source those that applied most stand out", () => {
  const place = (LogFile: string, LogPos: number) => ({ ExecBinlogCoordinates: { LogFile, LogPos } });
  const facts = {
    b: place("bin.9", 900),
    c: place("bin.10", 4),
    d: place("bin.10", 4),
    e: { ...place("bin.11", 4), IsLastCheckValid: false },
  };
  const dead = serversOf(shape("a(b,c,d,e)", { a: { IsLastCheckValid: false }, ...facts }));
  expect([...mostAdvanced(dead.values())].sort()).toEqual(["c:3306", "d:3306"]);
  expect(mostAdvanced(serversOf(shape("a(b,c,d,e)", facts)).values()).size).toBe(0);
});

test("a server that applied all it received is caught up", () => {
  const behind = { ReadBinlogCoordinates: { LogFile: "bin.000002", LogPos: 100 } };
  const server = world("a(b,c)", { c: behind });
  expect([isCaughtUp(server("b")), isCaughtUp(server("c")), isCaughtUp(server("a"))]).toEqual([true, false, false]);
});

test("an unknown lag is not zero", () => {
  const lag = (more: object) => lagText(instance("a", more));
  expect(lag({})).toBe("0s lag");
  expect(lag({ ReplicationLagSeconds: { Int64: 0, Valid: false } })).toBe("lag unknown");
  expect(lag({ Problems: ["last_check_invalid"], SecondsSinceLastSeen: { Int64: 3661, Valid: true } })).toBe(
    "seen 1h 1m 1s ago",
  );
  expect(lag({ Problems: ["last_check_invalid"], SecondsSinceLastSeen: { Int64: 0, Valid: false } })).toBe(
    "never seen",
  );
});

test("problems are sorted by kind, lag and name, and counted by the first of each server", () => {
  const of = (name: string, Problems: string[], lag = 0) =>
    instance(name, { Problems, ReplicationLagSeconds: { Int64: lag, Valid: true } });
  const list = [
    of("e", ["errant_gtid"]),
    of("l", ["replication_lag"], 5),
    of("m", ["replication_lag"], 50),
    of("d", ["last_check_invalid", "errant_gtid"]),
  ];
  expect(list.toSorted(byProblem).map((one) => one.Key.Hostname)).toEqual(["d", "m", "l", "e"]);
  expect(countProblems(list).map(({ problem, count }) => `${count} ${problem.kind}`)).toEqual([
    "1 last_check_invalid",
    "2 replication_lag",
    "1 errant_gtid",
  ]);
});

test("badges say what is special about a server", () => {
  const badges = (more: object) => badgesOf(world("a(b)", { b: more })("b")).map((one) => one.text);
  expect(badges({})).toEqual(["GTID", "LOG"]);
  expect(badges({ UsingOracleGTID: false })).toEqual(["no GTID", "LOG"]);
  expect(badges({ GtidErrant: "x:1" })).toEqual(["ERRANT", "LOG"]);
  expect(
    badges({ IsDowntimed: true, ReadOnly: false, IsCandidate: true, PromotionRule: "must_not", LogBinEnabled: false }),
  ).toEqual(["DOWNTIME", "RW", "GTID", "CAND", "NEVER"]);
});
