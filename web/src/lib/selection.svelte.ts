/** The server whose panel is open. It stands in the address, so that it can be passed on. */
import { readKey, titleOf } from "../model/key";
import { router, setParameter } from "./router.svelte";
import type { Key } from "./types";

export const selection = {
  get key(): Key | undefined {
    const text = router.parameter("select");
    return text === null ? undefined : readKey(text);
  },
};

export function select(key: Key | undefined): void {
  setParameter("select", key ? titleOf(key) : null);
}
