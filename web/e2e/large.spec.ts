import { test as base } from "@playwright/test";
import { freePort, Lab, Orchestrator } from "./stack";
import { expect } from "./test";

const SERVERS = 500;

base("a cluster of five hundred servers is drawn at once and can be moved about", async ({ page }) => {
  base.setTimeout(120_000);
  const port = await freePort();
  const lab = await Lab.start(
    "fleet",
    "--servers",
    String(SERVERS),
    "--per-cluster",
    String(SERVERS),
    "--port",
    String(port),
  );
  const orchestrator = await Orchestrator.start(lab, { InstancePollSeconds: 30 });
  try {
    await orchestrator.discover(lab.address(), SERVERS);
    const { host } = lab.address();
    await page.goto(`${orchestrator.url}/web/cluster/instance/${host}/${port}`);
    await expect(page.getByRole("treeitem").first()).toBeVisible();
    await expect(page.getByText(`${SERVERS} instances`)).toBeVisible();
    // Only what can be seen is drawn.
    expect(await page.getByRole("treeitem").count()).toBeLessThan(60);
    await page.getByRole("button", { name: "Fit" }).click();
    await expect.poll(() => page.getByRole("treeitem").count()).toBe(SERVERS);
    await page.getByRole("button", { name: "Compact" }).click();
    await expect(page.getByRole("treeitem")).toHaveCount(2);
    await expect(page.getByText(`${SERVERS - 1} instances`).first()).toBeVisible();
  } finally {
    await orchestrator.stop();
    await lab.stop();
  }
});
