// Every screen with content, without any, refused and grown old: it says something in its heading, is readable for
// assistive technology in both themes, complains of nothing, stays small and never scrolls sideways. Each is drawn
// into `screenshots/`, for looking at. What a screen does is in flows of its own.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { open } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = new URL("../screenshots/", import.meta.url).pathname;
mkdirSync(pictures, { recursive: true });

const handoff = "#/inbox/f%3Asilent-completion%1Fresearch-host%2Fhandoff-1840%1Fresearch%1Eresearch-host";
const routes = {
  inbox: "#/inbox",
  "a decision about money": "#/inbox/e%3Abilling-host%2Frefund-420",
  "an overtaken reply": "#/inbox/e%3Abilling-host%2Freply-8812",
  "a force-push": "#/inbox/e%3Acode-host%2Fpush-24",
  "a question": "#/inbox/e%3Aresearch-host%2Ftone",
  "a form": "#/inbox/e%3Aresearch-host%2Fform-9",
  "a settled decision": "#/inbox/e%3Acrm-host%2Frequeue-1887",
  "a decision of a silent host": "#/inbox/e%3Avault-host%2Fgone-1",
  "a finding": handoff,
  board: "#/board",
  "a task": "#/board/billing-host/T-1831",
  timeline: "#/timeline",
  "a pair": "#/timeline/f%3Asilent-completion%1Fresearch-host%2Fhandoff-1840%1Fresearch%1Eresearch-host",
  ownership: "#/ownership",
  limits: "#/limits",
  context: "#/context",
  agents: "#/agents",
  "dead letters": "#/dead-letters",
  settings: "#/settings",
  "first run": "#/first-run",
  "no such screen": "#/nowhere",
};
/** Those with a state of their own when there is nothing, an error, or nothing new. */
const whole = ["inbox", "board", "timeline", "ownership", "limits", "context", "agents", "dead letters", "settings", "first run"];
/** What is answered, and what must be seen before it is judged. */
const states = {
  "with content": { options: {} },
  "of the demo": { options: { fleet: "story" }, only: whole, themes: ["light"] },
  empty: { options: { fleet: "empty" }, only: whole },
  "in every kind of trouble": { options: { fleet: "trouble" }, only: ["timeline", "limits", "agents"] },
  "of 20,000 tasks": { options: { fleet: "large" }, only: ["inbox", "board", "timeline", "agents"], themes: ["dark"] },
  refused: { options: { state: "error" }, only: [...whole, "a finding", "a pair"] },
  "grown old": { options: { state: "stale" }, only: [...whole, "a finding", "a pair"], wait: 900 },
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

export async function judge(page, picture, themes = ["dark", "light"]) {
  const problems = [];
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    problems.push(...(await violations(page)).map((problem) => `${theme}: ${problem}`));
    if (picture) await page.screenshot({ path: `${pictures}${picture.replace(/\W+/g, "-")}.${theme}.png` });
  }
  return problems;
}

/** What has to be scrolled sideways; a part beside something opened may say that it does. */
export const sideways = (page) =>
  page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("main, main *, nav, footer")]
      .filter((element) => element === document.documentElement || ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && !element.hasAttribute("data-sideways"))
      .map((element) => `${element.tagName}.${element.className} is ${element.scrollWidth} wide in ${element.clientWidth}`),
  );

/** Gives the window another size, and the page the two frames in which it notices and draws that. */
export async function resize(page, width, height) {
  await page.setViewportSize({ width, height });
  await page.waitForFunction((wanted) => innerWidth === wanted, width);
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn)))));
}

/** What of the frame and of the answers is not reachable in the window. */
const outside = (page) =>
  page.evaluate(() => [
    ...(document.documentElement.scrollWidth > innerWidth ? ["the page is wider than the window"] : []),
    ...[...document.querySelectorAll("header button, nav a, footer .button, footer a")]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
      .map((element) => `${element.textContent} is outside`),
  ]);

export const flows = {};

for (const [name, route] of Object.entries(routes)) {
  for (const [state, { options, only, wait = 0, themes }] of Object.entries(states)) {
    if (only && !only.includes(name)) continue;
    flows[`${name}, ${state}`] = async ({ browser, url }) => {
      const { page, complaints, close } = await open(browser, url, route, options);
      await page.locator("h1").first().waitFor();
      await page.waitForFunction(() => document.querySelector(".skeleton") === null);
      await page.waitForTimeout(300 + wait);
      // Content that could not be shown would be an easy thing to find readable.
      if (options.state === undefined) assert.deepEqual(await page.locator("[role=alert]").allInnerTexts(), []);
      assert.notEqual((await page.locator("h1").first().innerText()).trim(), "");
      assert.deepEqual(await judge(page, `${name} ${state}`, themes), []);
      const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
      assert.ok(nodes < MOST_NODES, `${nodes} nodes`);
      await resize(page, 1024, 640);
      assert.deepEqual(await sideways(page), []);
      // The same at twice the size.
      await resize(page, 720, 450);
      if (state === "with content") await page.screenshot({ path: `${pictures}${name.replace(/\W+/g, "-")}-twice.png` });
      assert.deepEqual(await outside(page), []);
      assert.deepEqual(complaints, []);
      await close();
    };
  }
}

flows["the app's own scripts are small and have no recorded views in them"] = async () => {
  const folder = new URL("../dist/assets/", import.meta.url);
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const texts = scripts.map((name) => readFileSync(new URL(name, folder)));
  assert.equal(texts.some((text) => text.includes("ch_3NkQ81")), false);
  const read = (name) => readFileSync(new URL(name, folder), "utf8");
  const size = (names) => [...names].reduce((sum, name) => sum + gzipSync(read(name)).length, 0);
  // What the first picture needs: the script of the page and what that imports, and so on. The other screens come later.
  const needed = new Set(read("../index.html").match(/[^/"]+\.js/g));
  for (const name of needed) {
    for (const [, imported] of read(name).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) needed.add(imported);
  }
  assert.ok(needed.size > 1);
  assert.ok(size(needed) <= 120_000, `${size(needed)} bytes`);
  const later = scripts.filter((name) => !needed.has(name));
  assert.ok(later.length >= 7);
  for (const name of later) assert.ok(size([name]) <= 90_000, `${name}: ${size([name])} bytes`);
};

flows["the narrowest window is readable"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox", { viewport: { width: 960, height: 640 } });
  await page.locator(".detail h2").waitFor();
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

flows["the focus is never lost"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox/e%3Abilling-host%2Freply-8814");
  const focused = () => page.evaluate(() => document.activeElement?.tagName);
  await page.locator(".detail h2").focus();
  for (const key of ["Control+k", "?"]) {
    await page.keyboard.press(key);
    await page.locator("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.tagName === "H2");
  }
  await page.waitForTimeout(1200);
  for (const [key, field, item] of [["e", "TEXTAREA"], ["d", "INPUT"], ["c", "INPUT", "#/inbox/e%3Aresearch-host%2Ftone"]]) {
    // With an action an answer in words takes its gesture; where there is none the field opens at once.
    if (item) {
      await page.evaluate((hash) => (location.hash = hash), item);
      await page.locator(".detail h2", { hasText: "Which tone" }).waitFor();
      await page.locator(".detail h2").focus();
      await page.waitForTimeout(1200);
    }
    await page.keyboard.press(key);
    await page.locator(field === "INPUT" ? ".reason input" : ".edit textarea").waitFor();
    assert.equal(await focused(), field, key);
    await page.keyboard.press("Escape");
    await page.waitForTimeout(100);
    assert.equal(await focused(), "H2", key);
  }
  await page.keyboard.press("j");
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "option");
  assert.match(await page.title(), /^\(\d+\) Mission Control$/);
  assert.deepEqual(complaints, []);
  await close();
};

flows["the sheet of keys begins with its heading, however low the window, and keeps it"] = async ({ browser, url }) => {
  for (const [route, height] of [["#/inbox", 820], ["#/ownership", 820], ["#/timeline", 640]]) {
    const { page, complaints, close } = await open(browser, url, route, { viewport: { width: 1280, height } });
    await page.waitForFunction(() => document.querySelector("h1") !== null && document.querySelector(".skeleton") === null);
    await page.waitForTimeout(300);
    await page.keyboard.press("?");
    await page.locator("dialog h2").waitFor();
    const places = () =>
      page.evaluate(() => {
        const sheet = document.querySelector("dialog");
        const [box, heading, focused] = [sheet, sheet.querySelector("h2"), document.activeElement].map((each) => each.getBoundingClientRect());
        const inside = (rect) => rect.top >= box.top && rect.bottom <= box.bottom;
        return { scrolled: sheet.scrollTop, heading: inside(heading), focused: inside(focused) };
      });
    assert.deepEqual(await places(), { scrolled: 0, heading: true, focused: true }, route);
    await page.locator("dialog").evaluate((sheet) => sheet.scrollTo(0, sheet.scrollHeight));
    const scrolled = await places();
    assert.equal(scrolled.heading && scrolled.focused, true, `${route} at its end`);
    assert.deepEqual(await judge(page, `key sheet ${route.slice(2)} ${height}`), []);
    assert.deepEqual(complaints, []);
    await close();
  }
};

flows["the palette shows what it would open whole, and says when it cannot search"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/inbox", { viewport: { width: 960, height: 640 } });
  await page.locator(".detail h2").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("several agents");
  const chosen = page.locator("[role=option].chosen", { hasText: "no rule says whose it is" });
  await chosen.waitFor();
  const cut = () => chosen.evaluate((row) => [...row.querySelectorAll("span")].filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflow === "hidden").length);
  assert.equal(await cut(), 0);
  assert.deepEqual(await judge(page, "palette whole"), []);
  await page.keyboard.type(" of nobody");
  await page.locator("dialog [role=status]", { hasText: "Nothing found" }).waitFor();
  assert.deepEqual(await judge(page, "palette of nothing"), []);
  await close();
  const silent = await open(browser, url, "#/inbox", { state: "error" });
  await silent.page.keyboard.press("Control+k");
  await silent.page.keyboard.type("refund");
  await silent.page.locator("dialog [role=alert]", { hasText: "It could not be searched. The store did not answer." }).waitFor();
  assert.equal(await silent.page.locator("dialog", { hasText: "Nothing found" }).count(), 0);
  assert.deepEqual(await judge(silent.page, "palette refused"), []);
  assert.deepEqual([...complaints, ...silent.complaints], []);
  await silent.close();
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
