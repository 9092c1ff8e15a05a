import { expect, test } from "vitest";
import { world } from "../testing/fixture";
import type { Instance } from "../lib/types";
import { titleOf } from "./key";
import { groupsOf } from "./rows";

/** `label: value`, then each button: `[title]`, or `(title: why not)`. */
function lines(more: Partial<Instance>, name = "b"): string[] {
  const groups = groupsOf(world("a(b)", { b: more })(name), titleOf);
  return groups.flatMap((group) =>
    group.rows.map((row) => {
      const buttons = (row.actions ?? []).map(({ operation, refused }) =>
        refused ? `(${operation.title}: ${refused})` : `[${operation.title}]`,
      );
      return [`${row.label}: ${row.value}`, ...buttons].join(" ");
    }),
  );
}

test("a running replica can be stopped and restarted, not started", () => {
  expect(lines({})).toContain(
    "Running: yes (Start replication: it runs, or tries to) [Restart replication] [Stop replication]",
  );
  expect(lines({ ReplicationIOThreadRuning: false, ReplicationSQLThreadRuning: false })).toContain(
    "Running: no [Start replication] (Restart replication: it does not run) (Stop replication: it does not run)",
  );
});

test("a detached replica can be reattached only", () => {
  expect(lines({})).toContain("Source: a:3306 (Reattach replica: it is not detached) [Detach replica] [Reset replica]");
  expect(lines({ IsDetached: true })).toContain(
    "Source: a:3306 [Reattach replica] (Detach replica: it is detached already) [Reset replica]",
  );
});

test("errors are shown while replication does not run, and two quotes are none", () => {
  const broken = { ReplicationSQLThreadRuning: false, LastSQLError: "duplicate <b>key</b>" };
  expect(lines(broken)).toContain("Applier's last error: duplicate <b>key</b> [Skip query]");
  expect(lines({ LastSQLError: "old" }).some((line) => line.includes("old"))).toBe(false);
  expect(lines({ ReplicationSQLThreadRuning: false }).some((line) => line.includes("last error"))).toBe(false);
});

test("what cannot be known is unknown", () => {
  const none = { Int64: 0, Valid: false };
  expect(lines({ SecondsBehindMaster: none, ReplicationLagSeconds: none })).toEqual(
    expect.arrayContaining(["Seconds behind source: unknown", "Replication lag: unknown"]),
  );
});

test("a primary has no replication of its own to stop", () => {
  const text = lines({}, "a").join("\n");
  expect(text).not.toContain("Running:");
  expect(text).toContain("Read-only: no [Set read-only]");
  expect(text).toContain("(Take siblings: it has no source, so no siblings)");
});

test("errant transactions can be mended in two ways", () => {
  expect(lines({ GtidErrant: "u:1" })).toContain("Errant: u:1 [Fix by empty transactions] [Fix by reset]");
});
