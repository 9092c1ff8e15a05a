import { expect, test } from "./test";

/** What an attacker who controls a monitored server would say. */
const EVIL = `"><img src=x onerror=alert(1)><script>alert(2)</script>'\`{{7*7}}`;

/** Every text of an answer that is not needed to find things by becomes hostile. */
function poisoned(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => poisoned(one, name));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, poisoned(one, key)]));
  const isNeeded = /^(Hostname|ClusterName|Code|LogFile|PromotionRule|UID)$|Timestamp|^AuditAt$|^Now$/.test(name);
  return typeof value === "string" && !isNeeded ? EVIL : value;
}

test("what servers say is text, on every page", async ({ page, orchestrator, lab }) => {
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.route("**/api/**", async (route) => {
    const answer = await route.fetch();
    const body: unknown = await answer.json().catch(() => null);
    // The switch is compared with two words; it is no text of a server.
    const isKept = route.request().url().includes("check-global-recoveries");
    await route.fulfill({ response: answer, json: isKept ? body : poisoned(body) });
  });
  const { host, port } = lab.address("b");
  const cluster = encodeURIComponent(`${lab.address("a").host}:${lab.address("a").port}`);
  const paths = [
    "clusters",
    "clusters-analysis",
    `cluster/${cluster}?select=${host}:${port}`,
    `cluster-pools/${cluster}`,
    `search?s=${encodeURIComponent(EVIL)}`,
    "audit",
    "audit-recovery",
    "audit-failure-detection",
    "status",
    `agent/${encodeURIComponent(EVIL)}`,
    `clusters?orchestrator-msg=${encodeURIComponent(EVIL)}`,
  ];
  for (const path of paths) {
    await page.goto(`${orchestrator.url}/web/${path}`);
    await expect(page.getByText("onerror=alert(1)").first(), path).toBeAttached();
    expect(await page.locator("img[src=x]").count(), path).toBe(0);
  }
  expect(dialogs).toEqual([]);
});
