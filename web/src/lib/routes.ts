/** Addresses of pages: reading them, and making links. All of the original's are here. */
import { parts } from "./base";

export type Scope =
  | { kind: "all" }
  | { kind: "cluster"; name: string }
  | { kind: "alias"; alias: string }
  | { kind: "instance"; host: string; port: string };

export type Route =
  | { page: "about" | "keep-calm" | "faq" | "status" | "clusters" | "analysis" | "discover" | "agents" | "seeds" }
  | { page: "cluster"; scope: Exclude<Scope, { kind: "all" }> }
  | { page: "pools"; name: string }
  | { page: "search"; text: string }
  | { page: "audit"; scope: Scope; number: number }
  | { page: "recoveries"; scope: Scope; number: number }
  | { page: "recovery"; by: "id" | "uid"; value: string }
  | { page: "detections"; scope: Scope; number: number; id?: string }
  | { page: "agent"; host: string }
  | { page: "seed"; id: string }
  | { page: "none" };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A page number as the original reads it: what is none is 0. */
function pageNumber(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
}

/** The page at an address; `path` begins with the base. */
export function readRoute(path: string, query: string, base: string): Route {
  const below = path
    .slice(base.length)
    .replace(/^\/web\/?/, "")
    .replace(/\/$/, "");
  const [name = "", ...rest] = below.split("/").map(decoded);
  const [first = "", second = "", third] = rest;
  switch (name) {
    case "":
    case "clusters":
      return { page: "clusters" };
    case "clusters-analysis":
      return { page: "analysis" };
    case "home":
      return { page: "about" };
    case "about":
    case "keep-calm":
    case "faq":
    case "status":
    case "discover":
    case "agents":
    case "seeds":
      return { page: name };
    case "cluster":
      if (first === "alias" && second) return { page: "cluster", scope: { kind: "alias", alias: second } };
      if (first === "instance" && third)
        return { page: "cluster", scope: { kind: "instance", host: second, port: third } };
      return first ? { page: "cluster", scope: { kind: "cluster", name: first } } : { page: "none" };
    case "cluster-pools":
      return { page: "pools", name: first };
    case "search":
      return { page: "search", text: first || (new URLSearchParams(query).get("s") ?? "") };
    case "agent":
      return { page: "agent", host: first };
    case "seed-details":
      return { page: "seed", id: first };
    default:
      return readRecords(name, rest);
  }
}

function readRecords(name: string, rest: readonly string[]): Route {
  const [first = "", second = "", third, fourth] = rest;
  const all: Scope = { kind: "all" };
  switch (name) {
    case "audit":
      if (first === "instance")
        return {
          page: "audit",
          scope: { kind: "instance", host: second, port: third ?? "" },
          number: pageNumber(fourth),
        };
      return { page: "audit", scope: all, number: pageNumber(first) };
    case "audit-recovery-steps":
      return { page: "recovery", by: "uid", value: first };
    case "audit-recovery":
      if (first === "id" || first === "uid") return { page: "recovery", by: first, value: second };
      if (first === "cluster")
        return { page: "recoveries", scope: { kind: "cluster", name: second }, number: pageNumber(third) };
      if (first === "alias")
        return { page: "recoveries", scope: { kind: "alias", alias: second }, number: pageNumber(third) };
      return { page: "recoveries", scope: all, number: pageNumber(first) };
    case "audit-failure-detection":
      if (first === "id") return { page: "detections", scope: all, number: 0, id: second };
      if (first === "alias")
        return { page: "detections", scope: { kind: "alias", alias: second }, number: pageNumber(third) };
      return { page: "detections", scope: all, number: pageNumber(first) };
    default:
      return { page: "none" };
  }
}

/** The rest of an address behind the base, for links. */
export const to = {
  clusters: () => "/web/clusters",
  analysis: () => "/web/clusters-analysis",
  discover: () => "/web/discover",
  status: () => "/web/status",
  about: () => "/web/about",
  faq: () => "/web/faq",
  keepCalm: () => "/web/keep-calm",
  agents: () => "/web/agents",
  seeds: () => "/web/seeds",
  agent: (host: string) => `/web/agent/${parts(host)}`,
  seed: (id: number | string) => `/web/seed-details/${parts(id)}`,
  cluster: (name: string) => `/web/cluster/${parts(name)}`,
  clusterAlias: (alias: string) => `/web/cluster/alias/${parts(alias)}`,
  /** By alias where there is one of its own. */
  clusterOf: (name: string, alias: string) => (alias && alias !== name ? to.clusterAlias(alias) : to.cluster(name)),
  /** The topology with one server opened. */
  instance: (cluster: string, host: string, port: number) =>
    `/web/cluster/${parts(cluster)}?select=${parts(`${host}:${port}`)}`,
  pools: (name: string) => `/web/cluster-pools/${parts(name)}`,
  search: (text: string) => `/web/search?s=${parts(text)}`,
  audit: (page = 0) => (page ? `/web/audit/${page}` : "/web/audit"),
  auditOf: (host: string, port: number | string, page = 0) =>
    `/web/audit/instance/${parts(host, port)}${page ? `/${page}` : ""}`,
  recoveries: (scope: Scope = { kind: "all" }, page = 0) => scoped("/web/audit-recovery", scope, page),
  recovery: (uid: string) => `/web/audit-recovery/uid/${parts(uid)}`,
  recoveryId: (id: number) => `/web/audit-recovery/id/${id}`,
  detections: (scope: Scope = { kind: "all" }, page = 0) => scoped("/web/audit-failure-detection", scope, page),
  detection: (id: number) => `/web/audit-failure-detection/id/${id}`,
};

function scoped(path: string, scope: Scope, page: number): string {
  const number = page ? `/${page}` : "";
  switch (scope.kind) {
    case "all":
      return path + number;
    case "cluster":
      return `${path}/cluster/${parts(scope.name)}${number}`;
    case "alias":
      return `${path}/alias/${parts(scope.alias)}${number}`;
    case "instance":
      return `${path}/instance/${parts(scope.host, scope.port)}${number}`;
  }
}
