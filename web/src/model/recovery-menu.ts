/** What can be done about a failure, for who decides by hand. */
import { move, type Operation, recover, withFailoverPlan } from "./operations";
import type { Server } from "./server";

/** It could take over, as far as can be told from here; the server judges anew. */
function couldLead(server: Server): boolean {
  const i = server.instance;
  return i.LogBinEnabled && i.LogReplicationUpdatesEnabled && i.SQLDelay === 0 && !server.hasConnectivityProblem;
}

export function recoveryChoices(server: Server): Operation[] {
  const key = server.instance.Key;
  if (server.isMaster) {
    const promotions = server.children
      .filter(couldLead)
      .map((child) => withFailoverPlan(recover.promote(key, child.instance.Key), key, child.instance.Key));
    return [withFailoverPlan(recover.auto(key), key), ...promotions, withFailoverPlan(recover.force(key), key)];
  }
  const operations = [recover.auto(key)];
  const source = server.source;
  if (!source) return operations;
  const siblings = source.children.filter((one) => one !== server && couldLead(one));
  const places = [source, ...siblings].map((place) => move.relocateReplicas(key, place.instance.Key));
  return [...operations, ...places.map((one) => ({ ...one, title: one.text, danger: 3 as const }))];
}
