/** The tests' world: four real servers `a(b,c,d)`, an orchestrator above them, and a browser whose complaints are failures. */
import { test as base, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Lab, Orchestrator } from "./stack";

interface World {
  lab: Lab;
  orchestrator: Orchestrator;
}

/** What a browser says when a server is stopped under it, or when an error is meant to come. */
const EXPECTED = /Failed to load resource|net::ERR_/;

export const test = base.extend<{ complaints: string[] }, World>({
  lab: [
    // The empty pattern is the form that Playwright asks for.
    async ({}, use) => {
      const lab = await Lab.start("up", "--shape", "a(b,c,d)");
      await use(lab);
      await lab.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  orchestrator: [
    async ({ lab }, use) => {
      const orchestrator = await Orchestrator.start(lab);
      await orchestrator.discover(lab.address("a"), 4);
      await use(orchestrator);
      await orchestrator.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()) && !EXPECTED.test(message.text()))
          complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

/** Serious findings of an accessibility scan of what is shown. */
export async function scan(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } }).axe;
    return (await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }))
      .violations;
  });
  return violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
}
