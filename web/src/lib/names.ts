/** How servers are called on the screen: as they are, by their alias, or so that nobody recognises them. */
import type { Instance, Key } from "./types";
import { shortened, titleOf } from "../model/key";
import { prefs } from "./prefs.svelte";
import { session } from "./session.svelte";

/** Another one for each visit, so that names cannot be guessed from a picture. */
const salt = Math.floor(Math.random() * 0xffffffff);

/** FNV-1a: short, stable while the page is open, and good enough to tell servers apart. */
function hash(text: string): string {
  let value = (0x811c9dc5 ^ salt) >>> 0;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value.toString(16).padStart(8, "0").slice(0, 6);
}

export function keyName(key: Key): string {
  const title = titleOf(key);
  if (prefs.anonymize) return `instance-${hash(key.Hostname)}:${key.Port}`;
  return shortened(title, session.it.RemoveTextFromHostnameDisplay);
}

export function serverName(instance: Instance): string {
  if (prefs.anonymize || !prefs.alias || !instance.InstanceAlias) return keyName(instance.Key);
  return instance.InstanceAlias;
}

/** Clusters are called by the name of a server or by what the operators chose. */
export function clusterName(name: string): string {
  return prefs.anonymize ? `cluster-${hash(name)}` : shortened(name, session.it.RemoveTextFromHostnameDisplay);
}

export function versionName(instance: Instance): string {
  return prefs.anonymize ? instance.Version.split(".").slice(0, 2).join(".") : instance.Version;
}
