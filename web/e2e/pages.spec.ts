import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Orchestrator } from "./stack";
import { expect, scan, test } from "./test";

/** Every page, and a heading by which it is known. A list of one recovery is that recovery. */
const PAGES: readonly [string, RegExp][] = [
  ["web/clusters", /^Clusters$/],
  ["web/clusters/", /^Clusters$/],
  ["web/home", /About/],
  ["web/about", /About/],
  ["web/keep-calm", /Keep calm/],
  ["web/faq", /FAQ/],
  ["web/status", /^Status$/],
  ["web/clusters-analysis", /Failure analysis/],
  ["web/search/127.0.0.1", /Search: 127/],
  ["web/search?s=127.0.0.1", /Search: 127/],
  ["web/discover", /Discover/],
  ["web/audit", /^Audit$/],
  ["web/audit/1", /^Audit$/],
  ["web/audit-recovery", /Recoveries|DeadMaster on/],
  ["web/audit-recovery/0", /Recoveries|DeadMaster on/],
  ["web/audit-recovery/uid/none", /No such recovery/],
  ["web/audit-recovery-steps/none", /No such recovery/],
  ["web/audit-recovery/id/999", /No such recovery/],
  ["web/audit-failure-detection", /Failure detection/],
  ["web/audit-failure-detection/id/1", /Failure detection/],
  ["web/agents", /Agents/],
  ["web/agent/h", /Agent on h/],
  ["web/seeds", /Seeds/],
  ["web/seed-details/1", /Seed 1/],
];

test("every page has its heading and its title, and follows the address", async ({ page, orchestrator, lab }) => {
  const { host, port } = lab.address("a");
  const name = encodeURIComponent(`${host}:${port}`);
  const more: [string, RegExp][] = [
    [`web/cluster/${name}`, /127/],
    [`web/cluster/instance/${host}/${port}`, /127/],
    [`web/cluster-pools/${name}`, /Pools of 127/],
    [`web/audit/instance/${host}/${port}`, /Audit of 127/],
    [`web/audit-recovery/cluster/${name}`, /Recoveries of 127|DeadMaster on/],
  ];
  for (const [path, heading] of [...PAGES, ...more]) {
    const answer = await page.goto(`${orchestrator.url}/${path}`);
    expect(answer?.status(), path).toBe(200);
    await expect(page.getByRole("heading", { level: 1 }), path).toHaveText(heading);
    await expect(page, path).toHaveTitle(/^Orchestrator - /);
  }
  await page.goto(orchestrator.url);
  await expect(page).toHaveURL(/\/web\/clusters$/);
  const lost = await page.goto(`${orchestrator.url}/web/no/such/page`);
  expect(lost?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("There is no such page");
});

test("behind a proxy with a prefix of its own everything stays below it", async ({ page, lab }) => {
  const seed = lab.address("a");
  const orchestrator = await Orchestrator.start(lab, {
    URLPrefix: "/orc",
    ReadOnly: true,
    DiscoverySeeds: [`${seed.host}:${seed.port}`],
  });
  await orchestrator.discover(seed, 4);
  const asked: string[] = [];
  const proxy = createServer((from, to) => {
    const path = from.url ?? "";
    asked.push(path);
    if (!path.startsWith("/outer/")) return void to.writeHead(404).end();
    const { hostname, port } = new URL(orchestrator.url);
    const onward = request(
      {
        host: hostname,
        port,
        path: path.replace("/outer", "/orc"),
        method: from.method,
        headers: { ...from.headers, host: "inner" },
      },
      (answer) => {
        to.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(to);
      },
    );
    from.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", () => resolve()));
  try {
    await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/outer/`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Clusters");
    await page.getByRole("main").getByRole("link", { name: /127/ }).first().click();
    await expect(page.getByRole("treeitem")).toHaveCount(4);
    await expect(page.getByText("read-only", { exact: true })).toBeVisible();
    await page.getByRole("treeitem").first().press("Enter");
    const panel = page.getByRole("dialog", { name: /Server/ });
    await expect(panel.getByText("Server UUID")).toBeVisible();
    for (const name of ["Refresh", "Forget", "Move to…", "Set read-only"])
      await expect(panel.getByRole("button", { name })).toBeDisabled();
    expect(asked.filter((path) => !path.startsWith("/outer/"))).toEqual([]);
  } finally {
    proxy.close();
    await orchestrator.stop();
  }
});

test("no page has a serious accessibility finding, in light and dark", async ({ page, orchestrator, lab }) => {
  test.setTimeout(120_000);
  const { host, port } = lab.address("a");
  const cluster = `web/cluster/${encodeURIComponent(`${host}:${port}`)}`;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const path of [
      "web/clusters",
      cluster,
      `${cluster}?select=${host}:${port}`,
      "web/search?s=",
      "web/audit",
      "web/status",
      "web/discover",
      "web/faq",
    ]) {
      await page.goto(`${orchestrator.url}/${path}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(page.getByText("Loading…")).toHaveCount(0);
      expect(await scan(page), `${path} in ${colorScheme}`).toEqual([]);
    }
  }
});

test("keys lead from page to page", async ({ page, orchestrator }) => {
  await page.goto(`${orchestrator.url}/web/about`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Status");
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Clusters");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeHidden();
  await page.keyboard.press("/");
  await page.keyboard.type("127");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("article")).toHaveCount(4);
});

test("the theme follows the system until somebody chooses one", async ({ page, orchestrator }) => {
  const theme = () => page.evaluate(() => document.documentElement.dataset["theme"]);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`${orchestrator.url}/web/clusters`);
  await expect.poll(theme).toBe("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(theme).toBe("light");
  await page.getByRole("button", { name: /Theme: system/ }).click();
  await page.getByRole("button", { name: /Theme: light/ }).click();
  await expect.poll(theme).toBe("dark");
  await page.reload();
  await expect.poll(theme).toBe("dark");
});
