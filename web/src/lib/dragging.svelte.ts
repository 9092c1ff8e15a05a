/** Dragging a server, a group of replicas or the replicas of a server onto another server. */
import { choices, type Dragged, drop, type Target, type Zone } from "../model/drop";
import type { Box } from "../model/forest";
import { BOX_HEIGHT, BOX_WIDTH, type Placed } from "../model/layout";
import type { Operation } from "../model/operations";
import { prefs } from "./prefs.svelte";
import type { Viewport } from "./viewport.svelte";

/** The pointer must move that far before a press is no click any more. */
const SLOP = 5;
/** The left part of a target. */
const MASTER_ZONE = 0.48;

export interface Drag {
  readonly dragged: Dragged;
  x: number;
  y: number;
  over: { placed: Placed; zone: Zone } | undefined;
}

export type Accept = "no" | "ok" | "warning";

function targetOf(box: Box): Target {
  return box.kind === "server" ? { kind: "server", server: box.server } : { kind: "group" };
}

export function isDragged(dragged: Dragged, box: Box): boolean {
  if (dragged.kind === "group") return box.kind === "group" && box.members[0] === dragged.members[0];
  return box.kind === "server" && box.server.id === dragged.server.id;
}

/** What a drop on a box means, of both zones the better one. */
export function acceptance(dragged: Dragged, box: Box): Accept {
  const found = (["replica", "master"] as const).map((zone) => drop(prefs.method, zone, dragged, targetOf(box)).accept);
  return found.includes("ok") ? "ok" : found.includes("warning") ? "warning" : "no";
}

/** What the ghost beside the pointer says. */
export function meaning(drag: Drag): string {
  if (!drag.over) return "";
  const target = targetOf(drag.over.placed.box);
  const verdict = drop(prefs.method, drag.over.zone, drag.dragged, target);
  if (verdict.accept === "no") return `✕ ${verdict.why}`;
  return choices(prefs.method, drag.over.zone, drag.dragged, target)[0]?.title ?? "";
}

export interface Dragging {
  readonly drag: Drag | undefined;
  /** A press on a box; ends in `onclick` or `ondrop`. */
  press(event: PointerEvent, dragged: Dragged | undefined): void;
}

export function makeDragging(
  view: Viewport,
  placed: () => readonly Placed[],
  ondrop: (operations: Operation[], over: Placed) => void,
): Dragging {
  let drag = $state.raw<Drag | undefined>(undefined);

  function over(event: PointerEvent): Drag["over"] {
    const at = view.point(event.clientX, event.clientY);
    const found = placed().find(
      (one) => at.x >= one.x && at.x <= one.x + BOX_WIDTH && at.y >= one.y && at.y <= one.y + BOX_HEIGHT,
    );
    return found && { placed: found, zone: at.x < found.x + BOX_WIDTH * MASTER_ZONE ? "master" : "replica" };
  }

  function press(event: PointerEvent, dragged: Dragged | undefined): void {
    if (event.button !== 0 || !dragged) return;
    const [startX, startY] = [event.clientX, event.clientY];
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const end = (isDrop: boolean) => {
      stop.abort();
      const last = drag;
      drag = undefined;
      if (!last) return;
      // The click that follows a drag is none.
      addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
      if (isDrop && last.over && !(isDragged(last.dragged, last.over.placed.box) && last.dragged.kind !== "replicas"))
        ondrop(choices(prefs.method, last.over.zone, last.dragged, targetOf(last.over.placed.box)), last.over.placed);
    };
    addEventListener(
      "pointermove",
      (move) => {
        if (!drag && Math.hypot(move.clientX - startX, move.clientY - startY) < SLOP) return;
        drag = { dragged, x: move.clientX, y: move.clientY, over: over(move) };
      },
      options,
    );
    addEventListener("pointerup", () => end(true), options);
    addEventListener("pointercancel", () => end(false), options);
    addEventListener("keydown", (key) => key.key === "Escape" && end(false), options);
  }

  return {
    get drag() {
      return drag;
    },
    press,
  };
}

function swallow(event: Event): void {
  event.stopPropagation();
  event.preventDefault();
}
