/** The servers of a cluster as a forest to draw: every server stands in it exactly once, whatever replicates from what. */
import type { Instance } from "../lib/types";
import { inOrder, type Server, serversOf } from "./server";

/** One box: a server, or in a compact picture several replicas of one source. */
export type Box =
  | { kind: "server"; id: string; server: Server; children: Box[]; folded: number }
  | { kind: "group"; id: string; dataCenter: string; members: Server[]; children: Box[] };

export interface ForestOptions {
  compact: boolean;
  /** Servers whose replicas are hidden. */
  folded: ReadonlySet<string>;
}

export interface Forest {
  servers: ReadonlyMap<string, Server>;
  roots: Box[];
  /** Links that no tree holds: between co-masters, and what closes a ring. From source to replica. */
  extra: { from: string; to: string }[];
}

export function forestOf(instances: readonly Instance[], options: ForestOptions): Forest {
  const servers = serversOf(instances);
  const roots = rootsOf(servers);
  const drawn = new Set<string>(roots.map((root) => root.id));
  const boxes = roots.map((root) => boxOf(root, drawn, options));
  const extra = roots.flatMap((root) => (root.source ? [{ from: root.source.id, to: root.id }] : []));
  return { servers, roots: boxes, extra };
}

/** Where trees begin: servers without a source among these, both co-masters, and one of each other ring. */
function rootsOf(servers: ReadonlyMap<string, Server>): Server[] {
  const all = [...servers.values()].sort((a, b) => Number(b.isMaster) - Number(a.isMaster) || inOrder(a, b));
  const roots = all.filter((server) => !server.source || server.isCoMaster);
  const reached = new Set<string>();
  const reach = (server: Server) => {
    if (reached.has(server.id)) return;
    reached.add(server.id);
    server.children.forEach(reach);
  };
  roots.forEach(reach);
  for (const server of all) {
    if (reached.has(server.id)) continue;
    roots.push(server);
    reach(server);
  }
  return roots;
}

function boxOf(server: Server, drawn: Set<string>, options: ForestOptions): Box {
  const children = server.children.filter((child) => !drawn.has(child.id));
  for (const child of children) drawn.add(child.id);
  if (options.folded.has(server.id)) {
    return { kind: "server", id: server.id, server, children: [], folded: hide(children, drawn) };
  }
  const leaves = options.compact ? children.filter((child) => child.children.length === 0) : [];
  const groups = grouped(server.id, leaves);
  const inGroup = new Set(groups.flatMap((group) => (group.kind === "group" ? group.members : [])));
  const single = children.filter((child) => !inGroup.has(child)).map((child) => boxOf(child, drawn, options));
  return { kind: "server", id: server.id, server, children: [...single, ...groups], folded: 0 };
}

/** How many servers vanish below a folded one. */
function hide(children: readonly Server[], drawn: Set<string>): number {
  let count = 0;
  for (const child of children) {
    const below = child.children.filter((one) => !drawn.has(one.id));
    for (const one of below) drawn.add(one.id);
    count += 1 + hide(below, drawn);
  }
  return count;
}

function grouped(source: string, leaves: readonly Server[]): Box[] {
  const byDataCenter = new Map<string, Server[]>();
  for (const leaf of leaves) {
    const dataCenter = leaf.instance.DataCenter;
    byDataCenter.set(dataCenter, [...(byDataCenter.get(dataCenter) ?? []), leaf]);
  }
  return [...byDataCenter]
    .filter(([, members]) => members.length > 1)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([dataCenter, members]) => ({
      kind: "group",
      id: `${source} ${dataCenter} *`,
      dataCenter,
      members,
      children: [],
    }));
}

/** The pattern that names the members of a group to `relocate-replicas`. */
export function groupPattern(members: readonly Server[]): string {
  const escaped = members.map((server) => server.id.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return `(${escaped.map((name) => `^${name}$`).join("|")})`;
}
