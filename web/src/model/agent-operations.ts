/** What agents on database hosts can be told to do. */
import { parts } from "../lib/base";
import type { Danger, Operation } from "./operations";

function on(host: string, title: string, route: string, danger: Danger, text: string): Operation {
  return { title, path: `${route}/${parts(host)}`, danger, text, name: host };
}

const ofVolume = (operation: Operation, volume: string): Operation => ({ ...operation, body: { lv: volume } });

export const agentAct = {
  stopMysql: (host: string) => on(host, "Stop MySQL", "agent-mysql-stop", 2, `MySQL on ${host} ends.`),
  startMysql: (host: string) => on(host, "Start MySQL", "agent-mysql-start", 1, `MySQL on ${host} begins to run.`),
  unmount: (host: string) =>
    on(host, "Unmount", "agent-umount", 1, `The snapshot that is mounted on ${host} is unmounted.`),
  mount: (host: string, volume: string) =>
    ofVolume(on(host, "Mount", "agent-mount", 1, `${volume} is mounted on ${host}.`), volume),
  remove: (host: string, volume: string) =>
    ofVolume(on(host, "Remove", "agent-removelv", 3, `${volume} on ${host} is deleted.`), volume),
  createSnapshot: (host: string) =>
    on(host, "Create snapshot", "agent-create-snapshot", 2, `A snapshot of the data on ${host} is made.`),
  seed: (target: string, source: string, isFar: boolean): Operation => ({
    title: "Seed",
    path: `agent-seed/${parts(target, source)}`,
    danger: 3,
    text: `All MySQL data on ${target} is erased and replaced by a copy of that on ${source}.${isFar ? " The data travels between data centers." : ""}`,
    name: target,
  }),
  abortSeed: (id: number): Operation => ({
    title: "Abort",
    path: `agent-abort-seed/${parts(id)}`,
    danger: 2,
    text: `Seed ${id} ends without success. Its target is left without usable data.`,
    name: String(id),
  }),
};
