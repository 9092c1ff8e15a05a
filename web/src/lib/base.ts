/** Where the application lives: everything before `/web/` in the address, whatever proxies put there. */
export function baseOf(path: string): string {
  const at = path.indexOf("/web/");
  if (at >= 0) return path.slice(0, at);
  return path.endsWith("/web") ? path.slice(0, -"/web".length) : "";
}

/** Part of a path. Nothing in it can begin another part, a query or a fragment. */
export function part(text: string | number): string {
  return encodeURIComponent(String(text));
}

/** A path of parts, each encoded. */
export function parts(...texts: readonly (string | number)[]): string {
  return texts.map(part).join("/");
}

/** The text as a link, if it leads to a web page; other schemes could run code. */
export function safeLink(text: string): string | undefined {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : undefined;
  } catch {
    return undefined;
  }
}
