/** What the person is told: results of operations and errors. They stay over changes of page until dismissed. */

export type NoticeTone = "danger" | "warning" | "info" | "ok";

export interface Notice {
  id: number;
  tone: NoticeTone;
  text: string;
  at: number;
}

const NOTICES_MAX = 20;
let nextId = 1;

export const notices: { list: Notice[] } = $state({ list: [] });

export function tell(tone: NoticeTone, text: string): void {
  const notice: Notice = { id: nextId++, tone, text, at: Date.now() };
  notices.list = [notice, ...notices.list].slice(0, NOTICES_MAX);
}

export function dismiss(id: number): void {
  notices.list = notices.list.filter((notice) => notice.id !== id);
}

/** Errors are shown, whatever they are. */
export function tellError(error: unknown): void {
  tell("danger", error instanceof Error ? error.message : String(error));
}
