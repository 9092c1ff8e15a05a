/** What a person likes to see, kept in the browser. The original's cookies are taken over once. */

export interface Preferences {
  theme: "system" | "light" | "dark";
  anonymize: boolean;
  alias: boolean;
  /** Confirmations of class 1 are left out. */
  silent: boolean;
  compact: boolean;
  pools: boolean;
  colorizeDc: boolean;
  live: boolean;
  method: "smart" | "classic" | "gtid";
  dashboardSort: "problems" | "count" | "name" | "alias";
}

const STORE = "orchestrator";
const USUAL: Preferences = {
  theme: "system",
  anonymize: false,
  alias: false,
  silent: false,
  compact: false,
  pools: false,
  colorizeDc: true,
  live: true,
  method: "smart",
  dashboardSort: "problems",
};

function cookies(): Map<string, string> {
  const pairs = document.cookie.split(";").map((pair) => pair.trim().split("="));
  return new Map(pairs.map(([name = "", value = ""]) => [name, value]));
}

/** What the original kept in cookies, for who comes from there. */
function fromCookies(): Partial<Preferences> {
  const known = cookies();
  const is = (name: string) => known.get(name) === "true";
  const found: Partial<Preferences> = {};
  if (known.has("anonymize")) found.anonymize = is("anonymize");
  if (known.has("alias")) found.alias = is("alias");
  if (known.has("silent-ui")) found.silent = is("silent-ui");
  if (known.has("compact-display")) found.compact = is("compact-display");
  if (known.has("pool-indicator")) found.pools = is("pool-indicator");
  if (known.has("colorize-dc")) found.colorizeDc = known.get("colorize-dc") !== "false";
  if (known.has("auto-refresh")) found.live = is("auto-refresh");
  const method = known.get("move-instance-method");
  if (method === "smart" || method === "classic" || method === "gtid") found.method = method;
  const sort = known.get("dashboard-sort");
  if (sort === "count" || sort === "name" || sort === "alias") found.dashboardSort = sort;
  return found;
}

function load(): Preferences {
  try {
    const text = localStorage.getItem(STORE);
    if (text === null) return { ...USUAL, ...fromCookies() };
    const stored: unknown = JSON.parse(text);
    return typeof stored === "object" ? { ...USUAL, ...stored } : USUAL;
  } catch {
    return { ...USUAL };
  }
}

export const prefs: Preferences = $state(load());

/** Keeps what was chosen, whenever it changes; called once, inside a component. */
export function keepPreferences(): void {
  $effect(() => {
    const text = JSON.stringify(prefs);
    try {
      localStorage.setItem(STORE, text);
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
  });
}
