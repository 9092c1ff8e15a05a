/** Data that is read again and again while somebody looks at it. */
import { ApiError } from "./api";
import { clock } from "./clock.svelte";
import { prefs } from "./prefs.svelte";

export interface Live<T> {
  readonly data: T | undefined;
  readonly error: string | undefined;
  /** When it was read, by this browser's clock; 0 for never. */
  readonly readAt: number;
  refresh(): Promise<void>;
}

/** What the badge shows: of the data of the page that is open. */
export const freshness = $state({ readAt: 0, failing: false, everyMs: 0 });

export type Badge = "live" | "paused" | "stale" | "offline" | "loading";

export function badge(): Badge {
  if (freshness.failing) return "offline";
  if (freshness.readAt === 0) return "loading";
  if (!prefs.live) return "paused";
  return clock.now - freshness.readAt > 3 * freshness.everyMs + 2000 ? "stale" : "live";
}

/** Whose data the badge is about. */
let owner: symbol | undefined;

/** Everything that reads itself anew; a change of something makes all of it stale. */
const readers = new Set<() => Promise<void>>();

export async function refreshAll(): Promise<void> {
  await Promise.all([...readers].map((read) => read()));
}

/**
 * Reads at once and then every `everyMs`, until the component is gone. A hidden page is not kept current; it is read when
 * it is shown again. Reads again when what `load` looked at before its first `await` changes.
 */
export function live<T>(load: () => Promise<T>, everyMs: number, options: { isMain?: boolean } = {}): Live<T> {
  const isMain = options.isMain ?? true;
  let data = $state.raw<T | undefined>(undefined);
  let error = $state<string | undefined>(undefined);
  let readAt = $state(0);
  let generation = 0;
  let underWay: Promise<void> | undefined;

  async function take(reading: Promise<T>, mine: number): Promise<void> {
    try {
      const value = await reading;
      if (mine !== generation) return;
      [data, error, readAt] = [value, undefined, Date.now()];
      if (isMain) Object.assign(freshness, { readAt, failing: false });
    } catch (problem) {
      if (mine !== generation) return;
      error = problem instanceof Error ? problem.message : String(problem);
      // An error that the server tells is an answer; silence is none.
      if (isMain) freshness.failing = !(problem instanceof ApiError) || problem.status === 0;
    }
  }

  function refresh(): Promise<void> {
    underWay ??= take(load(), generation).finally(() => (underWay = undefined));
    return underWay;
  }

  $effect(() => {
    generation += 1;
    const mine = Symbol();
    if (isMain) {
      owner = mine;
      Object.assign(freshness, { readAt: 0, failing: false, everyMs });
    }
    [data, error, readAt] = [undefined, undefined, 0];
    underWay = take(load(), generation).finally(() => (underWay = undefined));
    readers.add(refresh);
    const timer = setInterval(() => {
      if (prefs.live && !document.hidden) void refresh();
    }, everyMs);
    const shown = () => void (!document.hidden && prefs.live && refresh());
    document.addEventListener("visibilitychange", shown);
    return () => {
      readers.delete(refresh);
      clearInterval(timer);
      document.removeEventListener("visibilitychange", shown);
      // A page that reads nothing follows: there is nothing to be live or not.
      if (owner === mine) freshness.everyMs = 0;
    };
  });

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get readAt() {
      return readAt;
    },
    refresh,
  };
}
