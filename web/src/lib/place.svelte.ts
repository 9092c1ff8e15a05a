/** The cluster whose page is open, by its name; empty elsewhere. */
export const place = $state({ cluster: "" });

/** Called once inside the page of a cluster. */
export function usePlace(name: () => string): void {
  $effect(() => {
    place.cluster = name();
    return () => {
      place.cluster = "";
    };
  });
}
