// The timeline as a person meets it, over fleets recorded from the engine.
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says } from "../../../tests/opened";
import { backend } from "../../api/backend";
import { router } from "../../router.svelte";
import Timeline from "./Timeline.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

const collision = "f:trigger-collision\u001ftrigger:mailbox/suppliers/payment mail-7001\u001finvoice-reader\u001fpayment-runner\u001einvoice-reader\u001epayment-runner";
const story = { fleet: "story", route: `#/timeline/${encodeURIComponent(collision)}` };

test("of a collision the lens shows both agents outside, what they share between, and the witnesses in words", async () => {
  await opened(Timeline, story);
  await says("invoice-reader and payment-runner both reacted to one event");
  const rows = [...document.querySelectorAll(".label .name")].map((each) => each.textContent?.trim());
  expect(rows.at(0)).toContain("invoice-reader");
  expect(rows.at(-1)).toContain("payment-runner");
  expect(rows.slice(1, -1)).toContain("mailbox/suppliers/payment");
  const open = document.querySelector('[aria-expanded="true"]');
  expect(open?.textContent).toContain("both reacted to one event");
  expect(page()).toContain("payment-runner took the event mail-7001 of trigger:mailbox/suppliers/payment.");
  expect(page()).toMatch(/trigger, owned by invoice-reader/);
});

test("a key goes from finding to finding, another shows its pair, and the first again shows all", async () => {
  const { asked } = await opened(Timeline, { fleet: "story", route: "#/timeline" });
  await says("Findings 10");
  await press("f");
  await press("f");
  await press("f");
  await press("f");
  expect(document.activeElement?.getAttribute("data-finding")).toBe("3");
  await press("p");
  await says("All agents p");
  const last = asked("timeline").at(-1) as { pair: string[]; about: unknown };
  expect([...last.pair].sort()).toEqual(["article-editor/article-editor", "publisher/publisher"]);
  expect(last.about).toBeNull();
  await press("p");
  expect((asked("timeline").at(-1) as { pair: string[] }).pair).toEqual([]);
});

test("panning, zooming and going back to now are keys, and stand in the address", async () => {
  const { asked } = await opened(Timeline, { fleet: "office", route: "#/timeline" });
  await says("Findings");
  await press("+");
  expect(router.route.query.get("seconds")).toBe("300");
  await press("ArrowLeft");
  const request = asked("timeline").at(-1) as { until: string | null };
  expect(request.until).not.toBeNull();
  expect(router.route.query.get("until")).toBe(request.until);
  await press("l");
  expect((asked("timeline").at(-1) as { until: string | null }).until).toBeNull();
  await press("-");
  expect(Number(router.route.query.get("seconds"))).toBeGreaterThan(300);
});

test("rows and marks are walked by key, and the mark says what happened", async () => {
  await opened(Timeline, story);
  await says("Findings 5");
  await press("j");
  await press("n");
  expect(document.querySelectorAll("circle.ring")).toHaveLength(1);
  expect(document.querySelector(".detail")?.textContent).toMatch(/\d\d:\d\d:\d\d.*read field:ledger\/northwind#balance at version v12/);
});

test("the same is told in words as a table", async () => {
  await opened(Timeline, story);
  await says("Findings 5");
  await press("t");
  expect(document.querySelector(".rows")).toBeNull();
  const lines = [...document.querySelectorAll("tbody tr[aria-rowindex]")].map((each) => each.textContent ?? "");
  expect(lines.some((line) => line.includes("wrote field:ledger/northwind#balance: version v12 became v12-paid"))).toBe(true);
  expect(new Set(lines).size).toBe(lines.length);
  expect(keysNow()).toContain("In words, as a table");
});

test("the table is walked by key, and the row under the hand is told whole", async () => {
  await opened(Timeline, story);
  await says("Findings 5");
  await press("t");
  await press("j");
  await press("j");
  const here = document.querySelector('tr[aria-current="true"]');
  expect(here?.getAttribute("aria-rowindex")).toBe("3");
  expect(document.querySelector(".detail [role=status]")?.textContent?.replace(/\s+/g, " ")).toContain(here?.querySelectorAll("td")[2]?.textContent?.trim());
  await press("t");
  expect(document.querySelectorAll("circle.ring")).toHaveLength(1);
});

test("a row says whole what has no room in it, and every line and shape has a word", async () => {
  await opened(Timeline, { fleet: "office", route: "#/timeline" });
  await says("Findings 21");
  const told = () => document.querySelector(".detail")?.textContent?.replace(/\s+/g, " ");
  for (let turn = 0; turn < 8; turn += 1) await press("j");
  expect(told()).toMatch(/treasury · now: does not answer · .* · starts next .*trigger:schedule\/close, on weekdays at 18:00/);
  expect(told()).toMatch(/at work ?waits for an answer ?does not answer/);
});

test("agents to whom nothing happened are named by a button, and lead to what they share", async () => {
  const { asked } = await opened(Timeline, { fleet: "office", route: "#/timeline" });
  await says("Findings 21");
  const call = vi.mocked(backend.call);
  const answers = call.getMockImplementation();
  call.mockImplementation(async (name, request) => {
    const answer = await answers?.(name, request);
    const quiet = [{ key: "mail-desk/archive", endpoint: "mail-desk", agent: "archive", name: { text: "archive", flagged: false, marks: [] } }];
    return (name === "timeline" ? { ...(answer as object), quiet } : answer) as never;
  });
  await press("+");
  await says("1 quiet agent");
  expect(page()).not.toContain("archive");
  button("1 quiet agent").click();
  await says("archive");
  button("archive").click();
  await vi.waitFor(() => expect((asked("timeline").at(-1) as { pair: string[] }).pair).toEqual(["mail-desk/archive"]));
});

test("what cannot be copied is saved, and it says where", async () => {
  const { asked } = await opened(Timeline, story);
  await says("Findings 5");
  vi.stubGlobal("navigator", { ...navigator, clipboard: undefined });
  await press("c");
  await says(/The clipboard cannot be reached.*Saved to \/home\/you/);
  vi.unstubAllGlobals();
  expect(asked("exportTimeline")).toHaveLength(2);
  expect(asked("exportTimeline").at(-1)).toMatchObject({ finding: collision, save: true });
});

test("a finding can be muted for an hour, and nothing else is decided here", async () => {
  const { asked } = await opened(Timeline, story);
  await says("Findings 5");
  button("Mute for an hour").click();
  await says("Muted for an hour.");
  expect(asked("actOnFinding")).toMatchObject([{ key: collision, resolution: "snooze" }]);
});

test("with a fleet of 20,000 tasks the drawing stays small and says what is not drawn", async () => {
  await opened(Timeline, { fleet: "large", route: "#/timeline" });
  await says(/more rows are not drawn|quiet agents/);
  expect(document.querySelectorAll("*").length).toBeLessThan(3000);
});

test("nothing known yet says how it comes to be known", async () => {
  await opened(Timeline, { fleet: "empty", route: "#/timeline" });
  await says("What agents report appears here by itself");
});

test("a refused answer keeps what was shown, with its time", async () => {
  await opened(Timeline, { fleet: "office", state: "stale", route: "#/timeline" });
  await says("Findings");
  await says(/Showing the state of \d\d:\d\d/);
  expect(page()).toContain("payments");
});
