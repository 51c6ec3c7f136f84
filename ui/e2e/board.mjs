// The board by other columns, and asking for an end: by dragging, by key, with the question between, and the card saying
// that it was asked until its agent says more. In both themes.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";
import { judge, resize, sideways } from "./screens.mjs";

export const flows = {};

flows["board: a card dragged to Failed asks its agent to cancel, and only after a question"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/board");
  const card = page.locator('[data-card="mail-desk/T-1820"]');
  const from = await card.boundingBox();
  const asked = () => calls.filter((call) => call.name === "cancelTask");
  const drag = async (to) => {
    await page.mouse.move(from.x + 40, from.y + 20);
    await page.mouse.down();
    await page.mouse.move(from.x + 80, from.y + 40, { steps: 4 });
    const failed = await page.locator("[data-drop=failed]").boundingBox();
    await page.mouse.move(to?.x ?? failed.x + failed.width / 2, to?.y ?? failed.y + 60, { steps: 6 });
  };
  // Dropped elsewhere, or let go by Escape: nothing.
  await drag({ x: from.x + 80, y: from.y + 40 });
  await page.mouse.up();
  assert.equal(await page.locator("#cancel-title").count(), 0);
  await drag();
  await page.keyboard.press("Escape");
  await page.mouse.up();
  assert.equal(await page.locator("#cancel-title").count(), 0);
  assert.equal(new URL(page.url()).hash, "#/board", "a drag opens nothing");
  await drag();
  await page.locator("section.over").waitFor();
  assert.deepEqual(await judge(page, "board while dragging"), []);
  await page.mouse.up();
  await page.locator("#cancel-title", { hasText: "Work already done stays done." }).waitFor();
  assert.deepEqual(asked(), []);
  assert.deepEqual(await judge(page, "board asking for an end"), []);
  await page.locator("button", { hasText: "Ask the agent to cancel" }).click();
  await page.locator('[data-card="mail-desk/T-1820"].asked', { hasText: /asked to cancel \d+s ago/ }).waitFor();
  assert.deepEqual(asked().map((call) => call.request), [{ endpoint: "mail-desk", task: "T-1820" }]);
  assert.deepEqual(await judge(page, "board asked"), []);
  // A card whose agent cannot be asked, or was, does not lift.
  await page.mouse.move(from.x + 40, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(from.x + 200, from.y + 60, { steps: 5 });
  assert.equal(await page.locator("[data-drop]").count(), 0);
  await page.mouse.up();
  assert.deepEqual(complaints, []);
  await close();
};

flows["board: by agent, workflow and resource"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/board");
  for (const [group, words] of [
    ["agent", "crm-sync"],
    ["workflow", "No workflow"],
    ["resource", "file:shop/src/cart.rs"],
  ]) {
    await page.locator("select").first().selectOption(group);
    await page.locator("h2", { hasText: words }).waitFor();
    assert.deepEqual(await judge(page, `board by ${group}`), []);
    await resize(page, 1024, 640);
    assert.deepEqual(await sideways(page), []);
    await resize(page, 1440, 900);
  }
  assert.deepEqual(complaints, []);
  await close();
};

flows["board: 50 agents side by side stay few in the page"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/board", { fleet: "large" });
  await page.locator("select").first().selectOption("agent");
  await page.locator("section.column.fixed").first().waitFor();
  await page.locator("[data-card]").first().focus();
  for (let turn = 0; turn < 12; turn += 1) await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.activeElement?.closest("section.column") !== null && document.querySelector(".columns").scrollLeft > 1000);
  assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 3000);
  assert.deepEqual(await judge(page, "board of 50 agents", ["dark"]), []);
  assert.deepEqual(complaints, []);
  await close();
};

flows["board: what a task made is read as Markdown, as text and part by part, and nothing of it leaves the machine"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/board/press-host/T-1860", { viewport: { width: 1280, height: 820 } });
  const drawer = page.locator("aside");
  const section = drawer.locator("section", { hasText: "What changes on Monday" });
  await section.locator("button", { hasText: "Show" }).click();
  await section.locator("[role=heading]", { hasText: "Before it goes live" }).waitFor();
  // A picture stays its words, a script stays text, and a trap leads nowhere.
  assert.equal(await drawer.locator("img, iframe, script, a[href*='//']").count(), 0);
  await section.locator("pre", { hasText: '<div onclick="alert(1)">' }).waitFor();
  assert.equal(await section.locator("button", { hasText: "javascript" }).count(), 0);
  await section.locator("mark", { hasText: "U+202E" }).waitFor();
  assert.deepEqual(await judge(page, "artifact as Markdown"), []);
  await resize(page, 1024, 640);
  assert.deepEqual(await sideways(page), []);
  await resize(page, 1280, 820);
  // An address is opened in two steps, of which the first names the host.
  await section.locator("button", { hasText: "tracker.example" }).click();
  await section.locator("[role=group]", { hasText: "Open this address of tracker.example in your browser?" }).waitFor();
  assert.equal(calls.some((call) => call.name === "openLink"), false);
  assert.deepEqual(await judge(page, "artifact opening an address"), []);
  await section.locator("button", { hasText: "Open it" }).click();
  await page.waitForTimeout(100);
  assert.deepEqual(calls.filter((call) => call.name === "openLink").map((call) => call.request), [{ url: "https://tracker.example/T-1860" }]);
  await page.locator("#task-title").focus();
  await page.keyboard.press("t");
  await section.locator("pre", { hasText: "# What changes on Monday" }).waitFor();
  assert.deepEqual(await judge(page, "artifact as text"), []);
  await page.keyboard.press("v");
  await section.locator("pre").waitFor({ state: "detached" });
  // A long one comes in parts, by key too.
  const log = drawer.locator("section", { hasText: "Log of the build" });
  await log.locator("button", { hasText: "Show" }).click();
  await log.locator("[role=heading]", { hasText: "Page 1" }).first().waitFor();
  assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 3000);
  await page.locator("#task-title").focus();
  await page.keyboard.press(".");
  await page.waitForFunction(() => [...document.querySelectorAll("aside button")].some((each) => each.textContent.includes("Earlier part") && !each.disabled));
  assert.ok(calls.filter((call) => call.name === "artifactBody").at(-1).request.from > 0);
  await page.keyboard.press(",");
  await page.waitForFunction(() => [...document.querySelectorAll("aside button")].some((each) => each.textContent.includes("Earlier part") && each.disabled));
  assert.deepEqual(await judge(page, "artifact in parts"), []);
  assert.deepEqual(complaints, []);
  await close();
};
