// Lints. The most important one: no text that a server says is ever interpreted as HTML.
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

const rawHtml = "texts of servers are never markup: use text nodes and attributes";

export default ts.config(
  { ignores: ["dist", "node_modules", "test-results"] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      "svelte/no-at-html-tags": "error",
      // Links are made by one function that keeps to the base of the application; there is no SvelteKit here.
      "svelte/no-navigation-without-resolve": "off",
      // Sets and maps made anew for each derived value need no reactivity of their own.
      "svelte/prefer-svelte-reactivity": "off",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc"].map((property) => ({
          property,
          message: rawHtml,
        })),
        { object: "document", property: "write", message: rawHtml },
      ],
      "max-lines": ["error", { max: 500 }],
    },
  },
);
