/** Panning and zooming a picture. */
import { select as d3select } from "d3-selection";
import { zoom, zoomIdentity, type D3ZoomEvent, type ZoomBehavior, type ZoomTransform } from "d3-zoom";

const PADDING = 28;
const SCALE_MIN = 0.008;
const SCALE_MAX = 2;
/** A picture that is shown first is not made smaller than this: names should be readable. */
const READABLE = 0.75;

export interface Viewport {
  readonly transform: ZoomTransform;
  readonly width: number;
  readonly height: number;
  attach(element: HTMLElement): () => void;
  fit(width: number, height: number, isFirst?: boolean): void;
  scale(factor: number): void;
  /** Moves the picture so that a box can be seen. */
  reveal(x: number, y: number, width: number, height: number): void;
  /** From a point on the screen to the picture. */
  point(clientX: number, clientY: number): { x: number; y: number };
}

/** What is dragged by hand must not drag the picture. */
function startsPan(event: Event): boolean {
  if (event.type === "wheel") return true;
  const isLeft = !(event instanceof MouseEvent) || event.button === 0;
  return isLeft && event.target instanceof Element && !event.target.closest("[data-id], button, a");
}

export function makeViewport(): Viewport {
  let transform = $state.raw<ZoomTransform>(zoomIdentity);
  let width = $state(0);
  let height = $state(0);
  let element: HTMLElement | undefined;
  let behavior: ZoomBehavior<HTMLElement, unknown> | undefined;

  function set(next: ZoomTransform): void {
    if (element && behavior) d3select(element).call(behavior.transform, next);
  }

  return {
    get transform() {
      return transform;
    },
    get width() {
      return width;
    },
    get height() {
      return height;
    },
    attach(node) {
      element = node;
      behavior = zoom<HTMLElement, unknown>()
        .scaleExtent([SCALE_MIN, SCALE_MAX])
        .filter(startsPan)
        .on("zoom", (event: D3ZoomEvent<HTMLElement, unknown>) => {
          transform = event.transform;
        });
      // Boxes are opened by a click, and a double click is two of them.
      d3select(node).call(behavior).on("dblclick.zoom", null);
      const watch = new ResizeObserver(() => {
        [width, height] = [node.clientWidth, node.clientHeight];
      });
      watch.observe(node);
      [width, height] = [node.clientWidth, node.clientHeight];
      return () => {
        watch.disconnect();
        d3select(node).on(".zoom", null);
      };
    },
    fit(pictureWidth, pictureHeight, isFirst = false) {
      const all = Math.min((width - 2 * PADDING) / pictureWidth, (height - 2 * PADDING) / pictureHeight, 1);
      const k = Math.max(isFirst ? Math.min(READABLE, 1) : SCALE_MIN, all);
      const fitsAcross = pictureWidth * k <= width;
      const x = fitsAcross ? Math.max(PADDING, (width - pictureWidth * k) / 2) : PADDING;
      const y = Math.max(PADDING, (height - pictureHeight * k) / 2);
      set(zoomIdentity.translate(fitsAcross && width > 900 ? Math.min(x, 90) : x, y).scale(k));
    },
    scale(factor) {
      if (element && behavior) d3select(element).call(behavior.scaleBy, factor);
    },
    reveal(x, y, boxWidth, boxHeight) {
      const [left, top] = transform.apply([x, y]);
      const [right, bottom] = transform.apply([x + boxWidth, y + boxHeight]);
      const shift = (low: number, high: number, size: number) =>
        low < PADDING ? PADDING - low : high > size - PADDING ? size - PADDING - high : 0;
      const [dx, dy] = [shift(left, right, width), shift(top, bottom, height)];
      if (dx || dy) set(zoomIdentity.translate(transform.x + dx, transform.y + dy).scale(transform.k));
    },
    point(clientX, clientY) {
      const box = element?.getBoundingClientRect();
      const [x, y] = transform.invert([clientX - (box?.left ?? 0), clientY - (box?.top ?? 0)]);
      return { x, y };
    },
  };
}
