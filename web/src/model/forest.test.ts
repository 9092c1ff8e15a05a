import { expect, test } from "vitest";
import { key, shape } from "../testing/fixture";
import { type Box, type ForestOptions, forestOf } from "./forest";
import { BOX_HEIGHT, layout } from "./layout";
import type { Instance } from "../lib/types";

const PLAIN: ForestOptions = { compact: false, folded: new Set() };

function text(box: Box): string {
  const name = box.kind === "server" ? box.id.split(":")[0] : `[${box.members.length} ${box.dataCenter}]`;
  const folded = box.kind === "server" && box.folded ? `+${box.folded}` : "";
  return name + folded + (box.children.length ? `(${box.children.map(text).join(",")})` : "");
}

function drawn(what: string, more: Readonly<Record<string, Partial<Instance>>> = {}, options = PLAIN): string {
  const forest = forestOf(shape(what, more), options);
  return [...forest.roots.map(text), ...forest.extra.map(({ from, to }) => `${from}>${to}`)]
    .join(" ")
    .replaceAll(":3306", "");
}

test("a tree is drawn as it is, servers with replicas first", () => {
  expect(drawn("a(b,c(d))")).toBe("a(c(d),b)");
});

test("nothing vanishes: orphans and lost parts are trees of their own", () => {
  expect(drawn("a(b),x(y)")).toBe("a(b) x(y)");
});

test("co-masters stand side by side, linked both ways", () => {
  expect(drawn("a(b,c)", { a: { MasterKey: key("b") } })).toBe("a(c) b b>a a>b");
});

test("a ring is drawn from one of its servers, with a link that closes it", () => {
  expect(drawn("a(b(c(d)))", { a: { MasterKey: key("c") } })).toBe("a(b(c(d))) c>a");
});

test("folding hides what is below, and says how much", () => {
  expect(drawn("a(b(d(e)),c)", {}, { compact: false, folded: new Set(["b:3306"]) })).toBe("a(b+2,c)");
});

test("a compact picture has one box for the childless replicas of a data center", () => {
  const dc = (DataCenter: string) => ({ DataCenter });
  const places = { b: dc("fra"), c: dc("fra"), d: dc("ber"), e: dc("fra") };
  expect(drawn("a(b,c,d,e(f))", places, { compact: true, folded: new Set() })).toBe("a(e(f),d,[2 fra])");
});

test("boxes of a column do not overlap, and depth makes columns", () => {
  const { placed, width, height } = layout(forestOf(shape("a(b,c(d,e),f),x(y)"), PLAIN).roots);
  expect(placed).toHaveLength(8);
  for (const one of placed)
    for (const other of placed)
      if (one !== other && one.x === other.x) expect(Math.abs(one.y - other.y)).toBeGreaterThan(BOX_HEIGHT);
  expect(new Set(placed.map((one) => `${one.depth} ${one.x}`)).size).toBe(3);
  expect(Math.min(...placed.map((one) => Math.min(one.x, one.y)))).toBe(0);
  expect(width).toBeGreaterThan(0);
  expect(height).toBeGreaterThan(0);
});
