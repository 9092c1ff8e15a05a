// Last, because the cluster is another one afterwards.
import { until } from "./stack";
import { expect, test } from "./test";

test("a dead primary is seen, recovered, and acknowledged", async ({ page, orchestrator, lab }) => {
  const { host, port } = lab.address("a");
  await page.goto(`${orchestrator.url}/web/cluster/instance/${host}/${port}`);
  await expect(page.getByRole("treeitem")).toHaveCount(4);
  const recoveries = () => orchestrator.get<{ UID: string; RecoveryEndTimestamp: string }[]>("audit-recovery");
  const before = (await recoveries()).length;
  await lab.command("kill a");
  const uid = await until("a recovery", async () => {
    const all = await recoveries();
    return all.length > before && all[0]?.RecoveryEndTimestamp ? all[0].UID : undefined;
  });

  await page.goto(`${orchestrator.url}/web/clusters`);
  await expect(page.getByText("Until it is acknowledged").first()).toBeVisible();
  await page.goto(`${orchestrator.url}/web/audit-recovery/uid/${encodeURIComponent(uid)}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/DeadMaster on/);
  await expect(page.getByRole("heading", { name: "Recovery steps" })).toBeVisible();
  await expect(page.getByRole("cell").nth(3)).toBeVisible();
  await page.getByRole("button", { name: "Acknowledge…" }).click();
  await page.getByLabel("Comment").fill("killed by a test");
  await page.getByRole("button", { name: "Acknowledge", exact: true }).click();
  await expect(page.getByText(/Acknowledged by/)).toContainText("killed by a test");

  await page.goto(`${orchestrator.url}/web/audit-failure-detection`);
  await expect(page.getByRole("button", { name: /DeadMaster/ }).first()).toBeVisible();

  // The dead server is shown as such by letter, not by color alone, and stands in the list of problems.
  await page.goto(`${orchestrator.url}/web/search?s=${host}:${port}`);
  await expect(page.getByRole("img", { name: "cannot be reached" }).first()).toBeVisible();
});

test("a node that stops is noticed within seconds, and so is its return", async ({ page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/web/clusters`);
  await expect(page.getByRole("status").filter({ hasText: "live" })).toBeVisible();
  await page.context().setOffline(true);
  await expect(page.getByRole("status").filter({ hasText: "offline" })).toBeVisible({ timeout: 8000 });
  await page.context().setOffline(false);
  await expect(page.getByRole("status").filter({ hasText: "live" })).toBeVisible({ timeout: 8000 });
});
