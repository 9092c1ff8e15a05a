/** Colours of data centers, in the order of their names. */
const COLORS = [
  "#ff8c00",
  "#4682b4",
  "#9acd32",
  "#dc143c",
  "#9932cc",
  "#ffd700",
  "#5c6bd6",
  "#40c9a2",
  "#808080",
  "#dda0dd",
];

export function dataCenterColors(names: Iterable<string>): Map<string, string> {
  const sorted = [...new Set(names)].sort();
  return new Map(sorted.map((name, index) => [name, COLORS[index % COLORS.length] ?? "#808080"]));
}
