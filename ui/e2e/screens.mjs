// Every screen with content, without any, refused and grown old: it says something in its heading, is readable for
// assistive technology in both themes, complains of nothing, stays small and never scrolls sideways. Each is drawn
// into `screenshots/`, for looking at. What a screen does is in flows of its own.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { open } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = new URL("../screenshots/", import.meta.url).pathname;
mkdirSync(pictures, { recursive: true });

const routes = {
  inbox: "#/inbox",
  "a decision about money": "#/inbox/e%3Abilling-host%2Frefund-420",
  "a question": "#/inbox/e%3Aresearch-host%2Ftone",
  "a settled decision": "#/inbox/e%3Acrm-host%2Fold-1",
  "a finding": "#/inbox/f%3Ahandoff-1841",
  ownership: "#/ownership",
  settings: "#/settings",
  "first run": "#/first-run",
  "no such screen": "#/nowhere",
};
/** A screen's states: which answers it gets, and what must be seen before it is judged. */
const states = {
  "with content": { options: {}, seen: "h1" },
  refused: { options: { state: "error" }, seen: "h1, [role=alert]" },
  "grown old": { options: { state: "stale" }, seen: "h1, [role=alert]", wait: 900 },
};
const MOST_NODES = 3000;

export async function violations(page) {
  // Through the debugger, not a script element: the page's own policy stays in force.
  await page.evaluate(axe);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  return result.violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => `${id} (${impact}): ${node.target} ${node.html.slice(0, 160)}`));
}

export async function judge(page, picture) {
  const problems = [];
  for (const theme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    problems.push(...(await violations(page)).map((problem) => `${theme}: ${problem}`));
    if (picture) await page.screenshot({ path: `${pictures}${picture.replace(/\W+/g, "-")}.${theme}.png` });
  }
  return problems;
}

export const sideways = (page) =>
  page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("main, main *, nav, footer")]
      .filter((element) => element === document.documentElement || ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && !element.hasAttribute("data-sideways"))
      .map((element) => `${element.tagName}.${element.className} is ${element.scrollWidth} wide in ${element.clientWidth}`),
  );

export const flows = {};

for (const [name, route] of Object.entries(routes)) {
  for (const [state, { options, seen, wait = 0 }] of Object.entries(states)) {
    flows[`${name}, ${state}`] = async ({ browser, url }) => {
      const { page, complaints, close } = await open(browser, url, route, options);
      await page.locator(seen).first().waitFor();
      await page.waitForTimeout(300 + wait);
      assert.notEqual((await page.locator("h1").first().innerText()).trim(), "");
      assert.deepEqual(await judge(page, `${name} ${state}`), []);
      const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
      assert.ok(nodes < MOST_NODES, `${nodes} nodes`);
      await page.setViewportSize({ width: 1024, height: 640 });
      assert.deepEqual(await sideways(page), []);
      assert.deepEqual(complaints, []);
      await close();
    };
  }
}

flows["the narrowest window is readable"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox", { viewport: { width: 960, height: 640 } });
  assert.deepEqual(await judge(page, "inbox narrow"), []);
  assert.deepEqual(await sideways(page), []);
  assert.deepEqual(complaints, []);
  await close();
};

flows["forced colours and reduced motion are readable"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox", { forcedColors: "active", reducedMotion: "reduce" });
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(complaints, []);
  await close();
};

flows["a window with the language C starts"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox", { language: "C" });
  await page.locator("h1", { hasText: "decision" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.language), "en-GB");
  assert.deepEqual(complaints, []);
  await close();
};

flows["sequences, palette, key sheet and regions work without a pointer"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox");
  const hash = () => page.evaluate(() => location.hash);
  await page.keyboard.press("g");
  await page.locator("footer kbd", { hasText: "g …" }).waitFor();
  await page.keyboard.press("b");
  await page.waitForFunction(() => location.hash === "#/board");
  await page.keyboard.press("-");
  await page.waitForFunction(() => location.hash.startsWith("#/inbox"));
  await page.keyboard.press("Control+k");
  await page.keyboard.type("go to set");
  assert.deepEqual(await judge(page, "palette"), []);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash === "#/settings");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("!refund");
  await page.locator("[role=option]", { hasText: "Send refund" }).waitFor();
  await page.screenshot({ path: `${pictures}palette-hits.png` });
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("refund-420"));
  await page.keyboard.press("?");
  await page.locator("dialog h2").waitFor();
  assert.deepEqual(await judge(page, "key sheet"), []);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog").count(), 0);
  const before = await hash();
  const visited = new Set();
  for (let n = 0; n < 6; n += 1) {
    await page.keyboard.press("F6");
    visited.add(await page.evaluate(() => document.activeElement?.closest("[data-f6]")?.tagName));
  }
  assert.ok(visited.size >= 4, [...visited].join(" "));
  assert.equal(await hash(), before);
  assert.deepEqual(complaints, []);
  await close();
};
