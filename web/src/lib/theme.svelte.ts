/** Light or dark: as the system has it, or as the person wants it. */
import { prefs } from "./prefs.svelte";

const dark = matchMedia("(prefers-color-scheme: dark)");

export function applyTheme(): void {
  $effect(() => {
    const wanted = prefs.theme;
    const apply = () => {
      const isDark = wanted === "dark" || (wanted === "system" && dark.matches);
      document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
    };
    apply();
    dark.addEventListener("change", apply);
    return () => dark.removeEventListener("change", apply);
  });
}
