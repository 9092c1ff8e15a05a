/** Servers by host and port. */
import type { Key } from "../lib/types";

/** `host:port`: how a server is called, and how it is told from others. */
export function titleOf(key: Key): string {
  return `${key.Hostname}:${key.Port}`;
}

/** The key names a server at all. */
export function isServer(key: Key | null | undefined): key is Key {
  return !!key && key.Hostname !== "" && key.Hostname !== "_";
}

export function sameKey(a: Key, b: Key): boolean {
  return a.Hostname === b.Hostname && a.Port === b.Port;
}

/** From `host:port`; the port follows the last colon, as IPv6 addresses have more. */
export function readKey(text: string): Key | undefined {
  const at = text.lastIndexOf(":");
  const port = Number(text.slice(at + 1));
  if (at <= 0 || !Number.isInteger(port) || port <= 0 || port > 65535) return undefined;
  return { Hostname: text.slice(0, at), Port: port };
}

/** A name without what the operators do not want to read each time. Only the first occurrence goes. */
export function shortened(name: string, removed: string): string {
  return removed ? name.replace(removed, () => "") : name;
}
