/** Keys that work everywhere, and those that the open page adds. */
import { navigate } from "./router.svelte";
import { to } from "./routes";

export const KEYS: readonly [string, string][] = [
  ["/", "search"],
  ["?", "this list"],
  ["g d", "dashboard"],
  ["g a", "failure analysis"],
  ["g r", "recoveries"],
  ["g s", "status"],
  ["p", "problems"],
  ["Esc", "close what is open"],
  ["j k", "next, previous server with a problem (topology)"],
  ["arrows", "from server to server (topology)"],
  ["Enter", "open the server (topology)"],
  ["m", "move the server to… (topology)"],
  ["x", "fold or unfold the server's replicas (topology)"],
  ["c", "compact picture (topology)"],
  ["f", "fit the picture into the window (topology)"],
  ["+ -", "larger, smaller picture (topology)"],
  ["r", "read the server anew (topology)"],
];

export const help = $state({ open: false });
export const problemsMenu = $state({ open: false });

/** Of the open page; returns whether the key meant something. */
export type PageKeys = (key: string) => boolean;
let pageKeys: PageKeys | undefined;

/** Called once inside a component: its keys work while it is there. */
export function usePageKeys(keys: PageKeys): void {
  $effect(() => {
    pageKeys = keys;
    return () => {
      if (pageKeys === keys) pageKeys = undefined;
    };
  });
}

const AFTER_G: Readonly<Record<string, () => string>> = {
  d: to.clusters,
  a: to.analysis,
  r: () => to.recoveries(),
  s: to.status,
};
const SEQUENCE_MAX_MS = 1500;
let pressedG = 0;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  // A question has its own keys.
  if (document.querySelector("dialog:modal")) return;
  if (handle(event.key, event.timeStamp)) event.preventDefault();
}

function handle(key: string, at: number): boolean {
  const isSecond = pressedG > 0 && at - pressedG < SEQUENCE_MAX_MS;
  pressedG = 0;
  const place = isSecond ? AFTER_G[key] : undefined;
  if (place) {
    navigate(place());
    return true;
  }
  switch (key) {
    case "g":
      pressedG = at;
      return true;
    case "?":
      help.open = true;
      return true;
    case "/":
      document.getElementById("search")?.focus();
      return true;
    case "p":
      problemsMenu.open = !problemsMenu.open;
      return true;
    default:
      return pageKeys?.(key) ?? false;
  }
}
