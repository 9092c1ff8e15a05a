import { defineConfig } from "@playwright/test";

// Tests in Debian's browser, on real servers and a real orchestrator that they start themselves.
export default defineConfig({
  testDir: "e2e",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // Each worker would start servers of its own.
  workers: 1,
  retries: 0,
  reporter: [["list", { printSteps: false }]],
  outputDir: "test-results",
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium" },
    viewport: { width: 1280, height: 800 },
    trace: "off",
    screenshot: "only-on-failure",
  },
});
