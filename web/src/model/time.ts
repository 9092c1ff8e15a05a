/** Lengths and moments of time as text. */

const UNITS: readonly [string, number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
];

/** `1d 2h 3m 4s`; units before the first that is not zero are left out. */
export function interval(seconds: number): string {
  let rest = Math.max(0, Math.trunc(seconds));
  const texts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.trunc(rest / size);
    rest -= count * size;
    if (count > 0 || texts.length > 0 || unit === "s") texts.push(`${count}${unit}`);
  }
  return (seconds < 0 ? "-" : "") + texts.join(" ");
}

/** The two largest units of an interval: for places where a glance must do. */
export function briefInterval(seconds: number): string {
  return interval(seconds)
    .split(" ")
    .slice(0, 2)
    .filter((text, index) => index === 0 || !text.startsWith("0"))
    .join(" ");
}

/** The API's times are UTC, with or without saying so. */
export function readTime(text: string): Date | undefined {
  const iso = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(text) ? `${text.replace(" ", "T")}Z` : text;
  const date = new Date(iso);
  // The original's way of saying "never".
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1971 ? undefined : date;
}

const two = (value: number) => String(value).padStart(2, "0");

/** `2026-11-22 03:04:05` in the browser's time zone. */
export function localTime(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function utcTime(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Bytes as people read them. */
export function bytes(count: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = count;
  let unit = 0;
  while (size >= 10_240 && unit + 1 < units.length) {
    size /= 1024;
    unit += 1;
  }
  return `${Math.trunc(size)} ${units[unit] ?? ""}`;
}
