/** The title of each page's window. */
import type { Route } from "./routes";

const SUFFIX: Readonly<Record<Route["page"], string>> = {
  about: "about",
  "keep-calm": "Keep Calm",
  faq: "FAQ",
  status: "status",
  clusters: "clusters",
  analysis: "clusters",
  cluster: "cluster",
  pools: "cluster pools",
  search: "search",
  discover: "discover",
  audit: "audit",
  recoveries: "audit-recovery",
  recovery: "audit-recovery",
  detections: "audit-failure-detection",
  agents: "agents",
  agent: "agent",
  seeds: "seeds",
  seed: "agent seed details",
  none: "not found",
};

export function titles(route: Route): string {
  return `Orchestrator - ${SUFFIX[route.page]}`;
}
