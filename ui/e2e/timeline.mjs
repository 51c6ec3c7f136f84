// Why are these two agents behaving oddly? From a card, a finding and a task, by keys alone, in both themes and with
// forced colours; and how much is drawn of a fleet that is far too large.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";
import { judge, sideways, violations } from "./screens.mjs";

export const flows = {};

flows["timeline: from a card to the answer by two keys"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox", { fleet: "story" });
  await page.locator("[role=option]", { hasText: "both reacted to one event" }).first().click();
  await page.locator(".detail h2", { hasText: "both reacted" }).waitFor();
  await page.keyboard.press("p");
  await page.waitForFunction(() => location.hash.startsWith("#/timeline/f%3Atrigger-collision"));
  await page.locator("h1", { hasText: "both reacted to one event" }).waitFor();
  // Two agents outside, what they share between; the witnesses joined; nothing to be scrolled sideways.
  const names = await page.locator(".label .name").allInnerTexts();
  assert.match(names[0], /invoice-reader/);
  assert.match(names.at(-1), /payment-runner/);
  assert.equal(await page.locator("path.link").count(), 1);
  assert.deepEqual(await sideways(page), []);
  assert.deepEqual(await judge(page, "timeline pair"), []);
  await page.keyboard.press("t");
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("j");
  await page.waitForFunction(() => document.activeElement?.tagName === "TR" && document.querySelector(".detail [role=status]") !== null);
  assert.deepEqual(await judge(page, "timeline in words"), []);
  await page.keyboard.press("t");
  await page.keyboard.press("p");
  await page.locator(".label", { hasText: "digest-writer" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
};

flows["timeline: a task and a sequence of keys lead there"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/board/billing-host/T-1831");
  await page.locator("#task-title").waitFor();
  await page.locator("#task-title").focus();
  await page.keyboard.press("p");
  await page.waitForFunction(() => location.hash.startsWith("#/timeline/t%3Abilling-host%2FT-1831"));
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await page.waitForFunction(() => location.hash.startsWith("#/board"));
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForFunction(() => location.hash.startsWith("#/timeline"));
  await page.locator(".label").first().waitFor();
  for (const key of ["f", "j", "n", "n", "ArrowLeft", "+", "+", "l"]) await page.keyboard.press(key);
  await page.locator("section.right").waitFor();
  assert.deepEqual(complaints, []);
  await close();
};

flows["timeline: a mark under the pointer says what happened"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/timeline", { fleet: "story" });
  const mark = page.locator("svg path.glyph").first();
  const box = await mark.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator(".right .detail [role=status]").waitFor();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator("circle.ring").waitFor();
  assert.deepEqual(complaints, []);
  await close();
};

flows["timeline: forced colours and reduced motion are readable"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/timeline", { fleet: "story", forcedColors: "active", reducedMotion: "reduce" });
  await page.locator(".label").first().waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(complaints, []);
  await close();
};
