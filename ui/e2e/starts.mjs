// What starts by itself: in the list of an agent, on the future side of the timeline and beside the limits; by keys, in
// both themes, with what is only seen said to be so.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";
import { judge, resize, sideways } from "./screens.mjs";

export const flows = {};

flows["starts: one list for an agent, from the sentence above all of them"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/agents");
  await page.locator("a", { hasText: "payments and invoices start within 10 minutes" }).click();
  await page.locator("h3", { hasText: "What starts by itself" }).scrollIntoViewIfNeeded();
  await page.locator("li.declared", { hasText: "every 30 minutes, UTC" }).waitFor();
  assert.deepEqual(await judge(page, "starts declared"), []);
  for (const [host, source, words] of [
    ["mail-desk", "observed", "seen 8 times"],
    ["digest-host", "server", "on Fridays at 12:00, Europe/Berlin"],
    ["code-host", "declared", "This cron line cannot be read here."],
    ["vault-host", "declared", "America/New_York"],
  ]) {
    await page.evaluate((to) => (location.hash = to), `#/agents/${host}`);
    const start = page.locator(`li.${source}`, { hasText: words });
    await start.waitFor();
    await start.scrollIntoViewIfNeeded();
    assert.deepEqual(await judge(page, `starts of ${host}`), []);
  }
  await resize(page, 1024, 640);
  assert.deepEqual(await sideways(page), []);
  assert.deepEqual(complaints, []);
  await close();
};

flows["starts: the timeline ends with what starts next"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/timeline");
  await page.locator(".next.head", { hasText: "Starts next" }).waitFor();
  const first = page.locator(".next .start", { hasText: "statement" });
  assert.match(await first.innerText(), /in \d/);
  assert.match(await page.locator(".next .start.seen").innerText(), /likely in/);
  // On the same line as the row of its agent.
  const row = await page.locator(".label.agent", { hasText: "payments" }).boundingBox();
  const box = await first.boundingBox();
  assert.ok(Math.abs(row.y - box.y) < 2, `${row.y} and ${box.y}`);
  assert.deepEqual(await judge(page, "starts on the timeline"), []);
  await resize(page, 1024, 640);
  assert.deepEqual(await sideways(page), []);
  // What has been has no next.
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => location.hash !== "#/timeline");
  assert.deepEqual(complaints, []);
  await close();
};

flows["starts: a limit says what starts before its reset"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/limits");
  await page.locator(".starts", { hasText: "payments at" }).first().waitFor();
  assert.deepEqual(await judge(page, "starts beside limits"), []);
  await resize(page, 1024, 640);
  assert.deepEqual(await sideways(page), []);
  assert.deepEqual(complaints, []);
  await close();
};
