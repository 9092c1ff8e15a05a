/** Carrying out operations: question, request, result, and reading anew what the page shows. */
import type { Operation } from "../model/operations";
import { ApiError, change } from "./api";
import { refreshAll } from "./live.svelte";
import { tell, tellError } from "./notices.svelte";
import { prefs } from "./prefs.svelte";
import type { Answer } from "./types";

/** The question that is open: one of these operations, or none. */
export interface Question {
  title: string;
  choices: readonly Operation[];
  answer(chosen: Operation | undefined): void;
}

export const asking: { question: Question | undefined } = $state({ question: undefined });
/** Operations under way, for the spinner. */
export const running: { list: { id: number; title: string; since: number }[] } = $state({ list: [] });

let nextId = 1;

function ask(title: string, choices: readonly Operation[]): Promise<Operation | undefined> {
  return new Promise((resolve) => {
    asking.question?.answer(undefined);
    asking.question = {
      title,
      choices,
      answer(chosen) {
        asking.question = undefined;
        resolve(chosen);
      },
    };
  });
}

function needsQuestion(choices: readonly Operation[]): boolean {
  const [only, ...others] = choices;
  if (!only || others.length > 0) return true;
  return only.danger >= 2 || (only.danger === 1 && !prefs.silent);
}

/** Does one of the operations, after asking where that is due. `undefined`: not done. */
export async function run(title: string, ...choices: Operation[]): Promise<Answer | undefined> {
  const chosen = needsQuestion(choices) ? await ask(title, choices) : choices[0];
  if (!chosen) return undefined;
  const id = nextId++;
  running.list = [...running.list, { id, title: chosen.title, since: Date.now() }];
  try {
    const answer = await change(chosen.path, chosen.body);
    tell("ok", answer.Message || `${chosen.title}: done`);
    return answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 0) {
      tell(
        "danger",
        `${chosen.title}: ${error.message}. It may have been carried out; look at the audit before you try again.`,
      );
    } else {
      tellError(error);
    }
    return undefined;
  } finally {
    running.list = running.list.filter((one) => one.id !== id);
    await refreshAll();
  }
}
