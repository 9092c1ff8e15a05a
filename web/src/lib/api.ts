/** Requests to the API. */
import { link } from "./router.svelte";
import type { Answer } from "./types";

/** A request that did not give what it should have. The message is the server's own, unchanged, where it sent one. */
export class ApiError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const READ_MAX_MS = 20_000;

async function request(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(link(path), { ...init, headers: { Accept: "application/json" } });
  } catch (error) {
    const cause =
      error instanceof DOMException && error.name === "TimeoutError"
        ? "it did not answer in time"
        : "it cannot be reached";
    throw new ApiError(`No answer from orchestrator: ${cause}`, 0);
  }
  const text = await response.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError(`Unexpected answer, status ${response.status}: ${text.slice(0, 200)}`, response.status);
  }
  const answer = asAnswer(value);
  if (!response.ok || answer?.Code === "ERROR") {
    throw new ApiError(answer?.Message || `Status ${response.status}`, response.status);
  }
  return value;
}

export function asAnswer(value: unknown): Answer | undefined {
  if (typeof value !== "object" || value === null || !("Code" in value) || !("Message" in value)) return undefined;
  return {
    Code: String(value.Code),
    Message: String(value.Message),
    Details: "Details" in value ? value.Details : null,
  };
}

/** Reads; `path` is below `/api/`. The type is the documented one of the route: the server is ours. */
export async function read<T>(path: string): Promise<T> {
  return (await request(`/api/${path}`, { signal: AbortSignal.timeout(READ_MAX_MS), cache: "no-store" })) as T;
}

/** A list; the API says `null` for some empty ones, and wraps some in `{Code, Message, Details}`. */
export async function readList<T>(path: string): Promise<T[]> {
  const value = await read<unknown>(path);
  const list = asAnswer(value)?.Details ?? value;
  return Array.isArray(list) ? (list as T[]) : [];
}

/** Changes something. Has no time limit: the server finishes what it began, and what it did must be seen. */
export async function change(path: string, body?: Readonly<Record<string, string>>): Promise<Answer> {
  const init: RequestInit = { method: "POST" };
  if (body) init.body = new URLSearchParams(body);
  const value = await request(`/api/${path}`, init);
  return asAnswer(value) ?? { Code: "OK", Message: "", Details: value };
}
