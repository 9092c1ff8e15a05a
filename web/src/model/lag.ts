/** How far a server is behind, in words. What is not known is not zero. */
import type { Instance } from "../lib/types";
import { interval } from "./time";

export function lagText(instance: Instance): string {
  const kind = instance.Problems?.[0];
  if (kind === "last_check_invalid" || kind === "not_recently_checked") {
    const since = instance.SecondsSinceLastSeen;
    return since.Valid ? `seen ${interval(since.Int64)} ago` : "never seen";
  }
  return instance.ReplicationLagSeconds.Valid ? `${interval(instance.ReplicationLagSeconds.Int64)} lag` : "lag unknown";
}
