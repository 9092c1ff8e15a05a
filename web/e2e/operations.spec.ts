import type { Page } from "@playwright/test";
import type { Lab, Orchestrator } from "./stack";
import { until } from "./stack";
import { expect, test } from "./test";

interface Told {
  MasterKey: { Hostname: string; Port: number };
  ReadOnly: boolean;
  IsDowntimed: boolean;
}

function named(lab: Lab, name: string): string {
  const { host, port } = lab.address(name);
  return `${host}:${port}`;
}

async function told(orchestrator: Orchestrator, lab: Lab, name: string): Promise<Told> {
  const { host, port } = lab.address(name);
  return orchestrator.get<Told>(`instance/${host}/${port}`);
}

async function sourceIs(orchestrator: Orchestrator, lab: Lab, name: string, source: string): Promise<void> {
  await until(`${name} to replicate from ${source}`, async () => {
    const { MasterKey } = await told(orchestrator, lab, name);
    return `${MasterKey.Hostname}:${MasterKey.Port}` === named(lab, source) ? true : undefined;
  });
}

async function openCluster(page: Page, orchestrator: Orchestrator, lab: Lab): Promise<void> {
  const { host, port } = lab.address("a");
  await page.goto(`${orchestrator.url}/web/cluster/instance/${host}/${port}`);
  await expect(page.getByRole("treeitem")).toHaveCount(4);
  await expect(page.getByRole("treeitem").first()).toBeVisible();
}

const box = (page: Page, lab: Lab, name: string) => page.locator(`[data-id="${named(lab, name)}"]`);

test("a server's panel tells about it, and a downtime begins and ends there", async ({ page, orchestrator, lab }) => {
  await openCluster(page, orchestrator, lab);
  await expect(box(page, lab, "a")).toHaveAccessibleName(/no problem.*primary/);
  await box(page, lab, "b").click();
  const panel = page.getByRole("dialog", { name: `Server ${named(lab, "b")}` });
  await expect(panel.getByText("Seconds behind source")).toBeVisible();
  await expect(page).toHaveURL(/select=127/);
  await panel.getByText("Begin downtime").first().click();
  await panel.getByLabel("Owner").fill("me");
  await panel.getByLabel("Reason").fill("a/b?c=d&e #f");
  await panel.getByRole("button", { name: "Begin downtime" }).click();
  const question = page.getByRole("dialog", { name: /Begin downtime of/ });
  await question.getByRole("button", { name: "Begin downtime" }).click();
  await expect(panel.getByText("a/b?c=d&e #f")).toBeVisible();
  expect((await told(orchestrator, lab, "b")).IsDowntimed).toBe(true);
  await panel.getByRole("button", { name: "End downtime" }).click();
  await until("the downtime to end", async () => ((await told(orchestrator, lab, "b")).IsDowntimed ? undefined : true));
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
});

test("two panels one after the other act on their own server only", async ({ page, orchestrator, lab }) => {
  await openCluster(page, orchestrator, lab);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") asked.push(decodeURIComponent(new URL(request.url()).pathname));
  });
  for (const name of ["b", "c"]) {
    await box(page, lab, name).click();
    const panel = page.getByRole("dialog", { name: `Server ${named(lab, name)}` });
    await panel.getByRole("button", { name: "Refresh" }).click();
    await expect(page.getByRole("log").getByText("Done").first()).toBeVisible();
    await panel.getByRole("button", { name: "Done" }).click();
  }
  expect(asked).toEqual(["b", "c"].map((name) => `/api/refresh/${lab.address(name).host}/${lab.address(name).port}`));
});

test("a server is moved by keyboard, and back by dragging", async ({ page, orchestrator, lab }) => {
  await openCluster(page, orchestrator, lab);
  await box(page, lab, "c").focus();
  await page.keyboard.press("m");
  const targets = page.getByRole("dialog", { name: /Move 127/ });
  await targets.getByRole("button", { name: named(lab, "b") }).click();
  const question = page.getByRole("dialog", { name: /Move 127.* to/ });
  await question.getByRole("button", { name: "Relocate" }).click();
  await sourceIs(orchestrator, lab, "c", "b");
  await expect(box(page, lab, "c")).toHaveAttribute("aria-level", "3");

  const [from, target] = [await box(page, lab, "c").boundingBox(), await box(page, lab, "a").boundingBox()];
  if (!from || !target) throw new Error("boxes are drawn");
  await page.mouse.move(from.x + from.width / 3, from.y + 12);
  await page.mouse.down();
  await page.mouse.move(from.x + 10, from.y + 40, { steps: 3 });
  await expect(box(page, lab, "a")).toHaveClass(/drop-warning/);
  await page.mouse.move(target.x + target.width * 0.8, target.y + target.height / 2, { steps: 5 });
  await expect(box(page, lab, "a")).toHaveClass(/zone-replica/);
  await page.mouse.up();
  const dropped = page.getByRole("dialog", { name: /Drop on/ });
  await dropped.getByRole("button", { name: "Relocate" }).click();
  await sourceIs(orchestrator, lab, "c", "a");
});

test("what may lose writes wants a name to be typed", async ({ page, orchestrator, lab }) => {
  await openCluster(page, orchestrator, lab);
  await box(page, lab, "d").click();
  const panel = page.getByRole("dialog", { name: /Server/ });
  await panel.getByRole("button", { name: "Set writeable" }).click();
  const question = page.getByRole("dialog", { name: /Set writeable/ });
  const go = question.getByRole("button", { name: "Set writeable" });
  await expect(go).toBeDisabled();
  await question.getByRole("textbox").fill("something else");
  await expect(go).toBeDisabled();
  await question.getByRole("textbox").fill(named(lab, "d"));
  await go.click();
  await until("d to be writeable", async () => ((await told(orchestrator, lab, "d")).ReadOnly ? undefined : true));
  await panel.getByRole("button", { name: "Set read-only" }).click();
  await page
    .getByRole("dialog", { name: /Set read-only/ })
    .getByRole("button", { name: "Set read-only" })
    .click();
  await until("d to be read-only", async () => ((await told(orchestrator, lab, "d")).ReadOnly ? true : undefined));
});

test("a takeover shows its plan before it runs, and runs", async ({ page, orchestrator, lab }) => {
  await openCluster(page, orchestrator, lab);
  const [from, target] = [await box(page, lab, "b").boundingBox(), await box(page, lab, "a").boundingBox()];
  if (!from || !target) throw new Error("boxes are drawn");
  await page.mouse.move(from.x + from.width / 3, from.y + 12);
  await page.mouse.down();
  await page.mouse.move(target.x + target.width * 0.2, target.y + target.height / 2, { steps: 8 });
  await expect(box(page, lab, "a")).toHaveClass(/zone-master/);
  await page.mouse.up();
  const question = page.getByRole("dialog", { name: /Drop on/ });
  const plan = question.getByRole("region", { name: "Plan" });
  await expect(plan.getByText(/takes the place of/)).toContainText(named(lab, "b"));
  await expect(plan.getByRole("listitem").filter({ hasText: "make writable" })).toBeVisible();
  await expect(question.getByRole("radio")).toHaveCount(3);
  await question.getByRole("textbox").fill(named(lab, "a"));
  await question.getByRole("button", { name: "Take over", exact: true }).click();
  await sourceIs(orchestrator, lab, "a", "b");
  await expect(box(page, lab, "b")).toHaveAccessibleName(/primary/);
  // And back, so that the tests that follow find what they expect.
  const back = `${lab.address("b").host}/${lab.address("b").port}/${lab.address("a").host}/${lab.address("a").port}`;
  expect((await fetch(`${orchestrator.url}/api/graceful-master-takeover-auto/${back}`, { method: "POST" })).ok).toBe(
    true,
  );
  await sourceIs(orchestrator, lab, "b", "a");
});

test("the server's own words about an error are shown", async ({ page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/web/discover`);
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill("1");
  await page.getByRole("button", { name: "Discover" }).click();
  await expect(page.getByRole("log").getByText(/127\.0\.0\.1:1/)).toBeVisible();
});

test("recoveries are switched off and on, and a strip says so", async ({ page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/web/clusters`);
  await page.getByRole("button", { name: "recoveries on" }).click();
  const question = page.getByRole("dialog", { name: /Disable all/ });
  await question.getByRole("textbox").fill("disable");
  await question.getByRole("button", { name: "Disable recoveries" }).click();
  await expect(page.getByText("Automatic recoveries are switched off on all nodes.")).toBeVisible();
  await page.getByRole("button", { name: "recoveries off" }).click();
  await page
    .getByRole("dialog", { name: /Enable/ })
    .getByRole("button", { name: "Enable recoveries" })
    .click();
  await expect(page.getByRole("button", { name: "recoveries on" })).toBeVisible();
});

test("anonymised, no name is on the screen, and errors still are", async ({ page, orchestrator, lab }) => {
  await openCluster(page, orchestrator, lab);
  await page.getByRole("button", { name: "View" }).click();
  await page.getByRole("button", { name: "Anonymize" }).click();
  await expect(page.getByRole("treeitem").first()).toContainText(/instance-[0-9a-f]{6}/);
  expect(await page.getByRole("main").innerText()).not.toContain(lab.address("a").host + ":");
});
