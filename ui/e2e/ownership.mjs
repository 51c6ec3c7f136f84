// The rules by pointer and by keys in a real browser: a drag moves one owner and never makes a second, the keyboard
// reaches everything, and every sheet is readable. What is sent is watched at the calls the page makes.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";
import { judge, resize, sideways } from "./screens.mjs";

const edits = (calls) => calls.filter((call) => call.name === "editDraft").map((call) => call.request);

async function check({ browser, url }, body, options = {}) {
  const opened = await open(browser, url, "#/ownership", { fleet: "demo", ...options });
  const { page, complaints } = opened;
  await page.locator("[role=grid]").waitFor();
  await body(opened);
  assert.deepEqual(complaints, []);
  await opened.close();
}

const cell = (page, agent, resource) => page.locator(`[role=gridcell][aria-label^="${agent}: "][aria-label*=", ${resource}"]`);
const middle = async (locator) => {
  const box = await locator.boundingBox();
  assert.ok(box, "it is drawn");
  return [box.x + box.width / 2, box.y + box.height / 2];
};

async function drag(page, from, to) {
  const [start, end] = [await middle(from), await middle(to)];
  await page.mouse.move(...start);
  await page.mouse.down();
  await page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, { steps: 4 });
  await page.mouse.move(...end, { steps: 4 });
}

const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent?.trim());

/** Arrow keys to a cell: first the row, then the column. */
async function walkTo(page, agent, resource) {
  await page.keyboard.press("Control+Home");
  for (let step = 0; step < 40 && !(await focused(page))?.includes(`, ${resource}`); step += 1) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  for (let step = 0; step < 20 && !(await focused(page))?.startsWith(`${agent}: `); step += 1) await page.keyboard.press("ArrowRight");
  assert.match(await focused(page), new RegExp(`^${agent}: `));
}

export const flows = {
  "a drag along the row moves the owner, and the one before reads": (env) =>
    check(env, async ({ page, calls }) => {
      await drag(page, cell(page, "outreach", "crm/contact/*#last_reply"), cell(page, "crm-sync", "crm/contact/*#last_reply"));
      await page.locator(".carried", { hasText: "crm-sync owns crm/contact/*#last_reply" }).waitFor();
      await page.mouse.up();
      await cell(page, "outreach", "crm/contact/*#last_reply").and(page.locator("[aria-label*=': reads']")).waitFor();
      assert.deepEqual(edits(calls).map(({ kind, rule, agent }) => [kind, rule, agent]), [["own", 4, "crm-sync"]]);
      assert.match(await focused(page), /^crm-sync: owns/);
      assert.equal(await page.locator("[role=menu]").count(), 0, "the click after a drop opens nothing");
    }),

  "a heading dragged onto a row gives that row to its agent": (env) =>
    check(env, async ({ page, calls }) => {
      await drag(page, page.locator("[role=columnheader]", { hasText: "crm-sync" }), cell(page, "digest", "crm/contact/*#last_reply"));
      await page.mouse.up();
      await cell(page, "crm-sync", "crm/contact/*#last_reply").and(page.locator("[aria-label*=': owns']")).waitFor();
      assert.equal(edits(calls).length, 1);
    }),

  "a drag that ends elsewhere, or is broken off, changes nothing": (env) =>
    check(env, async ({ page, calls }) => {
      const from = cell(page, "outreach", "crm/contact/*#last_reply");
      await drag(page, from, cell(page, "crm-sync", "crm/contact/*#status"));
      await page.mouse.up();
      await drag(page, from, page.locator("aside.panel h2"));
      await page.mouse.up();
      await drag(page, from, cell(page, "crm-sync", "crm/contact/*#last_reply"));
      await page.keyboard.press("Escape");
      await page.mouse.up();
      assert.deepEqual(edits(calls), []);
    }),

  "the keyboard alone changes rules, settles a conflict, saves and goes back": (env) =>
    check(env, async ({ page, calls }) => {
      const key = async (...names) => {
        for (const name of names) await page.keyboard.press(name);
        await page.waitForTimeout(120);
      };
      await page.locator('[role=gridcell][tabindex="0"]').focus();
      await walkTo(page, "crm-sync", "crm/contact/*#last_reply");
      await key("o");
      await walkTo(page, "digest", "mail/customers");
      await key("r");
      await walkTo(page, "digest", "slack/#engineering");
      await key("q");
      await key("Control+z");
      await key("Control+Shift+Z");
      await key("n");
      await page.keyboard.type("trigger:mailbox/suppliers/*");
      await key("Tab");
      await page.keyboard.type("reminders");
      await key("Enter");
      await page.locator("h1", { hasText: "2 conflicts block this draft" }).waitFor();
      await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "gridcell");
      assert.match(await focused(page), /^digest: takes turns 2/, "the cursor stayed on its row");
      assert.deepEqual(await judge(page, "ownership conflict"), []);
      await key("Control+s");
      assert.equal(await page.locator("dialog").count(), 0);
      await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label")?.includes("mailbox/suppliers/invoice"));
      // To the panel by keys, to the fix that frees it.
      await key("F6");
      for (let step = 0; step < 8 && (await focused(page)) !== "Remove the wider rule"; step += 1) await key("Tab");
      assert.equal(await focused(page), "Remove the wider rule");
      await key("Enter");
      await page.locator("h1", { hasText: "11 rules, no conflicts, 3 resources unowned" }).waitFor();
      await key("Control+s");
      await page.locator("dialog textarea").waitFor();
      assert.deepEqual(await judge(page, "ownership save"), []);
      await key("Control+s");
      await page.locator(".panel", { hasText: "Version 3" }).waitFor();
      assert.equal(calls.filter((call) => call.name === "saveDraft").length, 1);
      await key("v");
      await page.locator("dialog h3").first().waitFor();
      assert.deepEqual(await judge(page, "ownership versions"), []);
      await key("End");
      await page.locator("dialog h3", { hasText: "Version 1" }).waitFor();
      await key("Tab", "Enter");
      await page.locator("h1", { hasText: "2 rules" }).waitFor();
      await key("Shift+D");
      await key("Tab", "Enter");
      await page.locator("h1", { hasText: "11 rules" }).waitFor();
    }),

  "every sheet of the rules is readable": (env) =>
    check(env, async ({ page }) => {
      const region = page.locator('[role=gridcell][tabindex="0"]');
      await region.focus();
      for (const [key, picture] of [
        ["n", "rule"],
        ["Shift+N", "exception"],
        ["x", "exchange"],
        ["Enter", "menu"],
        ["m", "move"],
      ]) {
        await page.keyboard.press(key);
        await page.locator("dialog, [role=menu]").waitFor();
        await page.waitForTimeout(150);
        assert.deepEqual(await judge(page, `ownership ${picture}`), []);
        await page.keyboard.press("Escape");
        await page.waitForTimeout(100);
        assert.equal(await page.locator("dialog, [role=menu]").count(), 0, picture);
        assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "gridcell", `the focus after ${picture}`);
      }
      await resize(page, 1024, 640);
      assert.deepEqual(await sideways(page), []);
    }),

  "every action on the rules is in the palette with its key": (env) =>
    check(env, async ({ page }) => {
      await page.locator('[role=gridcell][tabindex="0"]').focus();
      for (const [words, key] of [
        ["agent owns", "o"],
        ["agent reads", "r"],
        ["takes turns", "q"],
        ["move the owner", "m"],
        ["add a rule", "n"],
        ["add an exception", "Shift N"],
        ["import", "x"],
        ["versions", "v"],
        ["conflicts only", "!"],
      ]) {
        await page.keyboard.press("Control+k");
        await page.keyboard.type(`>${words}`);
        await page.locator("[role=option] kbd", { hasText: new RegExp(`^${key}$`) }).first().waitFor();
        await page.keyboard.press("Escape");
      }
      await page.keyboard.press("Control+k");
      await page.keyboard.type(">move the owner");
      await page.keyboard.press("Enter");
      await page.locator("[role=menu]").waitFor();
      assert.equal(await page.evaluate(() => document.activeElement?.closest("[role=menu]") !== null), true);
    }),
};

flows["schemas are given, replaced and taken away beside the rules, by keys alone"] = async ({ browser, url }) => {
  const { page, calls, complaints, close } = await open(browser, url, "#/ownership", { viewport: { width: 1280, height: 820 } });
  await page.locator("[role=grid]").first().waitFor();
  await page.keyboard.press("s");
  const sheet = page.locator("dialog");
  // Those that are named and were never given come first.
  await sheet.locator("p", { hasText: "It is named and was never given, so nothing is held to it." }).waitFor();
  assert.deepEqual(await judge(page, "schemas, one missing"), []);
  const text = sheet.locator("textarea");
  const asked = (name) => calls.filter((call) => call.name === name).map((call) => call.request);
  // Nothing typed, no JSON, and a schema that would be fetched: each refused in a sentence, and nothing is lost.
  await text.focus();
  await page.keyboard.press("Control+s");
  await sheet.locator("[role=alert]", { hasText: "There is no change to keep." }).waitFor();
  await text.fill('{"type": ');
  await page.keyboard.press("Control+s");
  await sheet.locator("[role=alert]", { hasText: "This is no JSON yet." }).waitFor();
  assert.deepEqual(asked("saveSchema"), []);
  const foreign = '{"$ref": "https://example.com/digest.json"}';
  await text.fill(foreign);
  await page.keyboard.press("Control+s");
  await sheet.locator("[role=alert]", { hasText: "nothing is fetched" }).waitFor();
  assert.equal(await text.inputValue(), foreign);
  assert.deepEqual(await judge(page, "schemas refused"), []);
  await text.fill('{"type": "object"}');
  await page.keyboard.press("Control+s");
  await sheet.locator("[role=status]", { hasText: "It is kept, and holds from now on." }).waitFor();
  const { name } = asked("saveSchema").at(-1);
  await sheet.locator("button[aria-pressed=true]", { hasText: name }).waitFor();
  await sheet.locator("button", { hasText: "Replace it" }).waitFor();
  // Taking it away asks, with the focus on keeping it.
  await sheet.locator("button", { hasText: "Take it away" }).click();
  await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "Keep it in force");
  assert.deepEqual(await judge(page, "schemas asking"), []);
  await sheet.locator(".ask button", { hasText: "Take it away" }).click();
  await sheet.locator("[role=status]", { hasText: "Nothing is held to it any more." }).waitFor();
  assert.deepEqual(asked("removeSchema"), [{ name }]);
  // One under a new name, and what was typed elsewhere is still there.
  await sheet.locator("button", { hasText: "Add a schema" }).focus();
  await sheet.locator("input.field").fill("schemas/letter.json");
  await text.fill('{"type": "array"}');
  assert.deepEqual(await judge(page, "schemas, a new one"), []);
  // Another one is not replaced by accident.
  await sheet.locator("input.field").fill("schemas/page.json");
  await page.keyboard.press("Control+s");
  await sheet.locator("[role=alert]", { hasText: "There is one of this name." }).waitFor();
  assert.equal(asked("saveSchema").length, 2);
  await resize(page, 960, 640);
  assert.deepEqual(await sideways(page), []);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog").count(), 0);
  // Closing is no throwing away: the list says what was typed, and only a button takes it.
  await page.keyboard.press("s");
  await sheet.locator("button", { hasText: "typed, not kept" }).focus();
  assert.deepEqual([await sheet.locator("input.field").inputValue(), await text.inputValue()], ["schemas/page.json", '{"type": "array"}']);
  assert.deepEqual(await judge(page, "schemas typed and not kept"), []);
  await sheet.locator("button", { hasText: "Throw away what was typed" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA" && document.activeElement.value === "");
  assert.equal(await sheet.locator("button", { hasText: "typed, not kept" }).count(), 0);
  await page.keyboard.press("Escape");
  assert.deepEqual(complaints, []);
  await close();
};

flows["an output whose schema is not known leads to where it is given"] = async ({ browser, url }) => {
  const { page, complaints, close } = await open(browser, url, "#/board/press-host/T-1860");
  await page.locator("a", { hasText: "Add this schema" }).first().click();
  await page.locator("dialog button[aria-pressed=true]").waitFor();
  assert.match(await page.evaluate(() => location.hash), /^#\/ownership\/schemas\//);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => location.hash === "#/ownership");
  assert.deepEqual(complaints, []);
  await close();
};
