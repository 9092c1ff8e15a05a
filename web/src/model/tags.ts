/** Tags of all servers of a cluster, from the one answer that has them all. */

/** A line of the text is `+ host:port [state] [name=value,…]`. */
export function readTags(text: unknown): Map<string, string[]> {
  const found = new Map<string, string[]>();
  if (typeof text !== "string") return found;
  for (const line of text.split("\n")) {
    const [, name, tags] = /^[\s+-]*(\S+)\s+\[[^\]]*\]\s+\[(.*)\]\s*$/.exec(line) ?? [];
    if (name && tags) found.set(name, tags.split(","));
  }
  return found;
}
