// The hand on the keyboard: what is opened, done and closed by keys leaves the focus where the next key acts, on the
// screens where something is answered.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";
import { judge } from "./screens.mjs";

/** Waits until what has the focus is, or says, what it should. */
const at = (page, what) =>
  page
    .waitForFunction((wanted) => [document.activeElement?.tagName, document.activeElement?.textContent].some((each) => each?.includes(wanted)), what)
    .catch(async () => assert.fail(`${what} has not the focus, but ${await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80))}`));

export const flows = {};

flows["hand: a contradiction is settled and left by keys alone"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/context");
  await page.locator("[data-settle]").waitFor();
  await page.keyboard.press("s");
  await at(page, "INPUT");
  await page.keyboard.press("Escape");
  await at(page, "Settle it");
  await page.keyboard.press("Enter");
  await at(page, "INPUT");
  await page.keyboard.press("Enter");
  await at(page, "The entry that settles it");
  assert.deepEqual(await judge(page, "settling by keys"), []);
  await page.locator("button", { hasText: "I have sent it" }).focus();
  await page.keyboard.press("Enter");
  await at(page, "Settle it");
  assert.deepEqual(calls.filter((call) => call.name === "settleContext").map((call) => call.request.record), [false, true]);
  await page.keyboard.press("p");
  await page.waitForFunction(() => location.hash.startsWith("#/timeline/f%3Acontext-divergence"));
  await page.locator(".label", { hasText: "research" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
};

flows["hand: a dead letter is corrected, put away and left by keys alone"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/dead-letters", { viewport: { width: 1280, height: 820 } });
  await page.locator("article h2").waitFor();
  await page.keyboard.press("j");
  await page.locator("article h2").focus();
  await page.keyboard.press("2");
  await at(page, "INPUT");
  await page.keyboard.press("Escape");
  await at(page, "H2");
  await page.keyboard.press("2");
  await at(page, "INPUT");
  await page.keyboard.type("4096");
  await page.keyboard.press("Enter");
  await at(page, "SECTION");
  await page.keyboard.press("4");
  await at(page, "INPUT");
  await page.keyboard.type("not needed");
  // Past whether its task is cancelled, too.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await at(page, "Do this");
  await page.keyboard.press("Enter");
  await at(page, "H2");
  assert.deepEqual(calls.filter((call) => call.name === "actOnLetters").map((call) => call.request.way), ["discard"]);
  assert.deepEqual(await judge(page, "dead letter put away"), []);
  await page.keyboard.press("p");
  await page.waitForFunction(() => location.hash.startsWith("#/timeline/t%3Acrm-host%2FT-1888"));
  assert.deepEqual(complaints, []);
  await close();
};

flows["hand: all letters of one cause are chosen by a button or its key, and the number of them is said"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/dead-letters", { viewport: { width: 960, height: 640 } });
  await page.locator("article h2").waitFor();
  await page.locator("button", { hasText: "All 3 of this cause" }).click();
  await page.locator("[role=status]", { hasText: "3 chosen" }).waitFor();
  assert.equal(await page.locator("button[aria-pressed=true]", { hasText: "All 3 of this cause" }).count(), 1);
  assert.deepEqual(await judge(page, "dead letters chosen"), []);
  await page.locator("button", { hasText: "Choose this one" }).click();
  await page.locator("[role=status]", { hasText: "2 chosen" }).waitFor();
  await page.locator("article h2").focus();
  await page.keyboard.press("Shift+X");
  await page.locator("[role=status]", { hasText: "3 chosen" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
};

flows["hand: what a way out would do is one step from doing it, and Escape only leaves"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/inbox", { fleet: "story" });
  await page.locator("[role=option]", { hasText: "both reacted to one event" }).first().click();
  await page.locator(".detail h2", { hasText: "both reacted" }).waitFor();
  await page.keyboard.press("1");
  await at(page, "SECTION");
  assert.deepEqual(calls.filter((call) => call.name === "actOnFinding"), []);
  assert.deepEqual(await judge(page, "way out by key"), []);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "option");
  await page.keyboard.press("1");
  await page.keyboard.press("1");
  await at(page, "SECTION");
  await page.keyboard.press("Tab");
  await at(page, "Do this");
  assert.deepEqual(complaints, []);
  await close();
};

flows["hand: keeping a task that was about to be cancelled gives the focus back"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/board/press-host/T-1860");
  await page.locator("aside footer button", { hasText: "Cancel this task" }).waitFor();
  await page.locator("#task-title").focus();
  await page.keyboard.press("c");
  await at(page, "Keep it running");
  await page.keyboard.press("Enter");
  await at(page, "Publish the price page");
  assert.deepEqual(calls.filter((call) => call.name === "cancelTask"), []);
  // Opened by its address, it gives the keyboard back to its own card.
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.getAttribute("data-card") === "press-host/T-1860");
  assert.deepEqual(complaints, []);
  await close();
};
