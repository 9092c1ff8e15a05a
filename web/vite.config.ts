import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the pages and asks a running orchestrator for everything else.
const orchestrator = process.env["ORCHESTRATOR_URL"] ?? "http://127.0.0.1:3000";

export default defineConfig({
  plugins: [svelte()],
  // The server replaces `./` by the way from each page to its prefix.
  base: "./",
  build: {
    outDir: "dist",
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    rollupOptions: {
      output: {
        entryFileNames: "js/app-[hash].js",
        chunkFileNames: "js/[name]-[hash].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css"))
            ? "css/app-[hash][extname]"
            : "images/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/api": orchestrator, "/js/custom.js": orchestrator, "/css/custom.css": orchestrator } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
