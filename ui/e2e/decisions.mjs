// What keys and pointers may and may not decide, watched at the calls the page makes.
import assert from "node:assert/strict";
import { open } from "./browser.mjs";
import { judge } from "./screens.mjs";

const item = (host, id) => `#/inbox/${encodeURIComponent(`e:${host}/${id}`)}`;
const outward = item("billing-host", "reply-8814");
const money = item("billing-host", "refund-420");
const reversible = item("crm-host", "requeue-1888");
const long = item("crm-host", "bulk-120");
const decisions = (calls) => calls.filter((call) => call.name === "decide").map((call) => call.request);

async function check({ browser, url }, route, body, options = {}) {
  const opened = await open(browser, url, route, options);
  const { page, complaints } = opened;
  await page.locator(".detail h2").waitFor();
  await page.locator(".detail h2").focus();
  await page.waitForTimeout(1000);
  await body(opened);
  assert.deepEqual(complaints, []);
  await opened.close();
}

/** Scrolls the open item to its end. */
async function readOn(page) {
  await page.locator(".detail .scroll").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.waitForTimeout(150);
}

const asksAgain = item("issue-desk", "close-412");

export const flows = {
  "a question asked again is readable in both themes, and the same answer takes the gesture of the action": (env) =>
    check(env, asksAgain, async ({ page, calls }) => {
      await page.locator(".again", { hasText: "your answer may be lost: send the same answer, or answer anew." }).waitFor();
      assert.deepEqual(await judge(page, "a question asked again"), []);
      await page.locator(".detail h2").focus();
      await readOn(page);
      await page.keyboard.press("s");
      await page.locator("footer .note", { hasText: "Press again" }).waitFor();
      assert.deepEqual(decisions(calls), []);
      await page.waitForTimeout(700);
      await page.keyboard.press("s");
      await page.locator(".receipt").waitFor();
      const [request, ...more] = decisions(calls);
      assert.deepEqual(more, []);
      assert.equal(request.outcome, "approve");
      assert.match(request.repeats, /^01890000-/);
      assert.equal(request.again, request.repeats);
    }, { fleet: "trouble" }),

  "a question asked again can be answered anew": (env) =>
    check(env, asksAgain, async ({ page, calls }) => {
      await page.keyboard.press("d");
      await page.locator("footer textarea, footer input").first().fill("It was closed by hand.");
      await page.keyboard.press("Enter");
      await page.locator(".receipt").waitFor();
      const [request] = decisions(calls);
      assert.equal(request.outcome, "reject");
      assert.match(request.again, /^01890000-/);
      assert.equal(request.repeats, undefined);
    }, { fleet: "trouble" }),

  "one key settles what can be taken back, and undo takes it back": (env) =>
    check(env, reversible, async ({ page, calls }) => {
      await page.keyboard.press("a");
      await page.locator(".receipt", { hasText: "Held" }).waitFor();
      const [request, ...more] = decisions(calls);
      assert.deepEqual(more, []);
      assert.equal(request.outcome, "approve");
      assert.equal(request.escalation, "requeue-1888");
      assert.equal(request.reachedEnd, true);
      assert.ok(request.shownMs >= 900 && request.shownMs < 20_000, String(request.shownMs));
      assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H2");
      await page.keyboard.press("Control+z");
      await page.locator(".bar .button").first().waitFor();
      assert.equal(calls.filter((call) => call.name === "undoDecision").length, 1);
    }),

  "what leaves this computer needs its end in view and two presses": (env) =>
    check(env, outward, async ({ page, calls }) => {
      await page.keyboard.press("a");
      await page.locator("footer .note", { hasText: "Read to the end first." }).waitFor();
      await readOn(page);
      await page.keyboard.press("a");
      await page.locator("footer .note", { hasText: "Press again" }).waitFor();
      await page.keyboard.press("a");
      assert.deepEqual(decisions(calls), []);
      await page.waitForTimeout(700);
      await page.keyboard.press("a");
      await page.locator(".receipt").waitFor();
      assert.equal(decisions(calls).length, 1);
    }, { viewport: { width: 1200, height: 600 } }),

  "a held key decides nothing": (env) =>
    check(env, outward, async ({ page, calls }) => {
      await readOn(page);
      await page.keyboard.down("a");
      for (let n = 0; n < 60; n += 1) {
        await page.keyboard.down("a");
        await page.waitForTimeout(30);
      }
      await page.keyboard.up("a");
      assert.deepEqual(decisions(calls), []);
    }),

  "a held key settles one reversible item and none after it": (env) =>
    check(env, reversible, async ({ page, calls }) => {
      for (let n = 0; n < 40; n += 1) {
        await page.keyboard.down("a");
        await page.waitForTimeout(30);
      }
      await page.keyboard.press("n");
      for (let n = 0; n < 40; n += 1) {
        await page.keyboard.down("a");
        await page.waitForTimeout(30);
      }
      await page.keyboard.up("a");
      assert.equal(decisions(calls).length, 1);
    }),

  "Enter approves nothing, whatever has the focus": (env) =>
    check(env, reversible, async ({ page, calls }) => {
      // Saying no is as fast as saying yes, so those do take Enter.
      const buttons = page.locator(".bar .button", { hasNotText: "Refuse" });
      for (let n = 0; n < (await buttons.count()); n += 1) {
        await buttons.nth(n).focus();
        await page.keyboard.press("Enter");
        await page.keyboard.press("Enter");
      }
      await page.locator(".detail h2").focus();
      await page.keyboard.press("Enter");
      await page.locator("[aria-selected=true]").focus();
      await page.keyboard.press("Enter");
      await page.waitForTimeout(200);
      assert.deepEqual(decisions(calls), []);
    }),

  "Escape, leaving the window and resizing decide nothing and let go": (env) =>
    check(env, outward, async ({ page, calls }) => {
      await readOn(page);
      await page.keyboard.press("a");
      await page.locator("footer.armed").waitFor();
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("footer.armed").count(), 0);
      await page.keyboard.press("a");
      await page.locator("footer.armed").waitFor();
      await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        dispatchEvent(new Event("blur"));
      });
      await page.setViewportSize({ width: 1000, height: 700 });
      await page.waitForTimeout(200);
      assert.equal(await page.locator("footer.armed").count(), 0);
      assert.deepEqual(decisions(calls), []);
    }),

  "money needs a second reading and a hold; presses, clicks and short holds do nothing": (env) =>
    check(env, money, async ({ page, calls }) => {
      await page.keyboard.press("a");
      await page.locator(".panel h3", { hasText: "Read it once more" }).waitFor();
      const button = page.locator(".bar .danger").last();
      for (let n = 0; n < 8; n += 1) {
        await page.keyboard.press("a");
        await button.click();
        await page.waitForTimeout(120);
      }
      await page.locator(".bar .danger", { hasText: /: hold\s*$/ }).waitFor({ timeout: 9000 });
      await button.click({ delay: 600 });
      await page.keyboard.press("a");
      await button.focus();
      await page.keyboard.down(" ");
      await page.waitForTimeout(500);
      await page.keyboard.up(" ");
      await page.waitForTimeout(1200);
      assert.deepEqual(decisions(calls), []);
      await page.keyboard.down(" ");
      await page.locator(".receipt").waitFor({ timeout: 4000 });
      await page.keyboard.up(" ");
      assert.equal(decisions(calls).length, 1);
      assert.equal(decisions(calls)[0].escalation, "refund-420");
    }),

  "money can be held with the pointer, and leaving the button lets go": (env) =>
    check(env, money, async ({ page, calls }) => {
      await page.keyboard.press("a");
      await page.locator(".bar .danger", { hasText: /: hold\s*$/ }).waitFor({ timeout: 9000 });
      const box = await page.locator(".bar .danger").last().boundingBox();
      await page.mouse.move(box.x + 20, box.y + 10);
      await page.mouse.down();
      await page.waitForTimeout(500);
      await page.evaluate(() => dispatchEvent(new Event("blur")));
      await page.waitForTimeout(1200);
      await page.mouse.up();
      assert.deepEqual(decisions(calls), []);
      await page.mouse.down();
      await page.locator(".receipt").waitFor({ timeout: 4000 });
      await page.mouse.up();
      assert.equal(decisions(calls).length, 1);
    }),

  "a long action is approved only after its end was in view, with the buttons always there": (env) =>
    check(env, long, async ({ page, calls }) => {
      for (let n = 0; n < 3; n += 1) {
        await page.keyboard.press("a");
        await page.waitForTimeout(700);
      }
      assert.deepEqual(decisions(calls), []);
      assert.ok(await page.locator(".bar .button").first().isVisible());
      await readOn(page);
      await page.keyboard.press("a");
      await page.waitForTimeout(700);
      await page.keyboard.press("a");
      await page.locator(".receipt").waitFor();
      assert.equal(decisions(calls)[0].reachedEnd, true);
    }),

  "no is one key and a reason": (env) =>
    check(env, money, async ({ page, calls }) => {
      await page.keyboard.press("d");
      await page.locator(".reason input").waitFor();
      await page.keyboard.press("2");
      await page.locator(".receipt").waitFor();
      assert.deepEqual(
        decisions(calls).map(({ outcome, message }) => [outcome, message]),
        [["reject", "Wrong target"]],
      );
    }),

  "an edit is checked, compared, and then answered like what it is": (env) =>
    check(env, outward, async ({ page, calls }) => {
      await page.keyboard.press("e");
      const field = page.locator("textarea");
      const text = await field.inputValue();
      await field.fill(text.replace("77-2213", "77-2214") + ",");
      await page.locator(".problem", { hasText: "Line 9" }).waitFor();
      await page.locator("button", { hasText: "Look at the change" }).click({ force: true });
      assert.equal(await page.locator(".added").count(), 0);
      await field.fill(text.replace("77-2213", "77-2214"));
      await page.locator("button", { hasText: "Look at the change" }).click();
      await page.locator(".added", { hasText: "77-2214" }).waitFor();
      await page.locator(".detail h2").focus();
      await page.keyboard.press("a");
      await page.waitForTimeout(1200);
      await page.keyboard.press("e");
      await page.locator("footer.armed").waitFor();
      await page.waitForTimeout(700);
      await page.keyboard.press("e");
      await page.locator(".receipt").waitFor();
      const [request, ...more] = decisions(calls);
      assert.deepEqual(more, []);
      assert.equal(request.outcome, "edit");
      assert.match(JSON.parse(request.editedAction).args.body, /77-2214/);
    }),

  "what is settled says so and offers nothing": (env) =>
    check(env, item("crm-host", "requeue-1887"), async ({ page, calls }) => {
      await page.locator(".receipt").waitFor();
      for (const key of ["a", "d", "e"]) await page.keyboard.press(key);
      assert.equal(await page.locator(".bar").count(), 0);
      assert.deepEqual(decisions(calls), []);
    }),

  "a form is filled in and sent as it was typed": (env) =>
    check(env, item("research-host", "form-9"), async ({ page, calls }) => {
      await page.keyboard.press("a");
      await page.locator("form .field").first().waitFor();
      assert.equal(await page.evaluate(() => document.activeElement?.closest("form") !== null), true);
      await page.getByLabel("Pages").focus();
      await page.keyboard.press("Control+a");
      await page.keyboard.type("900");
      await page.keyboard.press("Tab");
      await page.locator(".problem", { hasText: "At most 500." }).waitFor();
      await page.getByLabel("Pages").focus();
      await page.keyboard.press("Control+a");
      await page.keyboard.type("120");
      await page.locator("form button", { hasText: "Send the answer" }).click();
      await page.locator(".receipt").waitFor();
      assert.deepEqual(JSON.parse(decisions(calls)[0].payload), { pages: 120, images: false });
    }),

  "ten reversible decisions take at most thirty presses and no pointer": (env) =>
    check(env, reversible, async ({ page, calls }) => {
      let presses = 0;
      for (let n = 0; n < 10; n += 1) {
        await page.keyboard.press("a");
        await page.locator(".receipt").waitFor();
        await page.keyboard.press("Control+z");
        await page.locator(".bar").waitFor();
        await page.waitForTimeout(1100);
        presses += 2;
      }
      assert.equal(decisions(calls).length, 10);
      assert.ok(presses <= 30);
    }),
};
