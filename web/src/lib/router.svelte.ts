/** The address the browser shows, as state; links within the application change it without loading a page. */
import { baseOf } from "./base";
import { readRoute, type Route } from "./routes";

const base = baseOf(location.pathname);

let path = $state(location.pathname);
let query = $state(location.search);

function look(): void {
  path = location.pathname;
  query = location.search;
}

export const router = {
  get base(): string {
    return base;
  },
  get route(): Route {
    return readRoute(path, query, base);
  },
  get path(): string {
    return path;
  },
  parameter(name: string): string | null {
    return new URLSearchParams(query).get(name);
  },
};

/** An address within the application, for `href`. */
export function link(below: string): string {
  return base + below;
}

export function navigate(below: string): void {
  history.pushState(null, "", base + below);
  look();
  document.getElementById("main")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Sets or (with `null`) removes a parameter of the address, without a new entry in the history. */
export function setParameter(name: string, value: string | null): void {
  const search = new URLSearchParams(location.search);
  if (value === null) search.delete(name);
  else search.set(name, value);
  const text = search.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
  look();
}

/** Follows clicks on links of the application; everything else is left to the browser. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const anchor = event.target instanceof Element ? event.target.closest("a") : null;
  if (!(anchor instanceof HTMLAnchorElement) || anchor.target || anchor.hasAttribute("download")) return;
  const url = new URL(anchor.href, location.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(`${base}/web/`)) return;
  if (url.pathname === location.pathname && url.search === location.search && url.hash) return;
  event.preventDefault();
  navigate(url.pathname.slice(base.length) + url.search);
}

addEventListener("popstate", look);
