/** Places for the boxes of a forest: columns by depth, from left to right. */
import { hierarchy, tree } from "d3-hierarchy";
import type { Box } from "./forest";

export const BOX_WIDTH = 248;
export const BOX_HEIGHT = 56;
const COLUMN = 316;
const ROW = 70;

export interface Placed {
  box: Box;
  x: number;
  y: number;
  depth: number;
}

export interface Layout {
  placed: Placed[];
  links: { from: Placed; to: Placed }[];
  width: number;
  height: number;
}

/** What stands above all roots, so that one tree holds them all; it is not drawn. */
interface Top {
  kind: "top";
  children: Box[];
}

export function layout(roots: Box[]): Layout {
  const top: Top = { kind: "top", children: roots };
  const root = hierarchy<Top | Box>(top, (node) => node.children);
  const arranged = tree<Top | Box>()
    .nodeSize([ROW, COLUMN])
    .separation(() => 1)(root);
  const nodes = arranged.descendants().filter((node) => node.data.kind !== "top");
  const upper = Math.min(0, ...nodes.map((node) => node.x));
  const placed = new Map<unknown, Placed>();
  for (const node of nodes) {
    const box = node.data as Box;
    placed.set(node, { box, x: node.y - COLUMN, y: node.x - upper, depth: node.depth - 1 });
  }
  const list = [...placed.values()];
  const links = nodes.flatMap((node) => {
    const from = placed.get(node.parent);
    const here = placed.get(node);
    return from && here ? [{ from, to: here }] : [];
  });
  return {
    placed: list,
    links,
    width: Math.max(0, ...list.map((one) => one.x + BOX_WIDTH)),
    height: Math.max(0, ...list.map((one) => one.y + BOX_HEIGHT)),
  };
}

/** A curve from the right edge of a box to the left edge of another. */
export function curve(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const [x1, y1] = [from.x + BOX_WIDTH, from.y + BOX_HEIGHT / 2];
  const [x2, y2] = [to.x, to.y + BOX_HEIGHT / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** Around the left side: for links within a column, and back to an earlier one. */
export function detour(from: { x: number; y: number }, to: { x: number; y: number }, bend: number): string {
  const [y1, y2] = [from.y + BOX_HEIGHT / 2, to.y + BOX_HEIGHT / 2];
  const far = Math.min(from.x, to.x) - 28 - bend;
  return `M${from.x} ${y1}C${far} ${y1} ${far} ${y2} ${to.x} ${y2}`;
}
