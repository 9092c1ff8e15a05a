/** Who looks at the pages, and what that user may do. */
import { read } from "./api";
import type { Session } from "./types";

const UNKNOWN: Session = {
  AuthorizedForAction: false,
  ReadOnlyReason: "not known yet",
  UserId: "",
  WebMessage: "",
  RemoveTextFromHostnameDisplay: "",
  ServeAgentsHttp: false,
  IsCustomized: false,
  InstancePollSeconds: 5,
  Hostname: "",
  Version: "",
  Now: "",
};

let current = $state.raw<Session>(UNKNOWN);
let isKnown = $state(false);

export const session = {
  get it(): Session {
    return current;
  },
  get isKnown(): boolean {
    return isKnown;
  },
  get mayAct(): boolean {
    return current.AuthorizedForAction;
  },
};

/** Asks for it; the configuration may change while a page is open, so this is done again from time to time. */
export async function loadSession(): Promise<void> {
  current = await read<Session>("v2/session");
  isKnown = true;
}
