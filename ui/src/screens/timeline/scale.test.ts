// Slots on pixels: whatever the host's axis is, ticks, labels and lines stay where they can be read.
import { expect, test } from "vitest";
import type { TimelineMark } from "../../api/generated/TimelineMark";
import type { TimelineRow } from "../../api/generated/TimelineRow";
import { bars, folded, labels, links, stepped, ticks, xOf } from "./scale";

const span = (from: string, to: string, begin: number, end: number, isFolded = false) => ({
  from: `2026-11-20T${from}Z`,
  to: `2026-11-20T${to}Z`,
  begin,
  end,
  folded: isFolded,
});
const mark = (slot: number, more: Partial<TimelineMark> = {}): TimelineMark => ({
  slot,
  at: new Date(1_795_000_000_000 + slot * 1000).toISOString(),
  lastAt: new Date(1_795_000_000_000 + slot * 1000).toISOString(),
  kind: "read",
  side: 0,
  count: 1,
  text: null,
  sentences: [],
  findings: [],
  to: null,
  open: false,
  ...more,
});
const row = (key: string, kind: TimelineRow["kind"], marks: TimelineMark[]): TimelineRow => ({
  key,
  kind,
  label: { text: key, flagged: false, marks: [] },
  agent: kind === "agent" ? key : null,
  owner: null,
  summary: "",
  lanes: [],
  marks,
  dense: [],
  findings: 0,
  facts: marks.length,
});

test("ticks stand at round times, apart, and never in folded time", () => {
  const spans = [span("08:00:00", "08:05:00", 0, 290), span("08:05:00", "11:00:00", 290, 304, true), span("11:00:00", "11:05:00", 304, 600)];
  const all = ticks(spans, 600, 800);
  expect(all.length).toBeGreaterThan(3);
  for (const [index, tick] of all.entries()) {
    expect(tick.at % 60_000).toBe(0);
    expect(tick.at < Date.parse("2026-11-20T08:05:00Z") || tick.at >= Date.parse("2026-11-20T11:00:00Z")).toBe(true);
    if (index > 0) expect(tick.x - (all[index - 1]?.x ?? 0)).toBeGreaterThanOrEqual(88);
  }
  expect(folded(spans, 600, 800).map(({ ms }) => ms)).toEqual([10_500_000]);
  expect(ticks([], 600, 800)).toEqual([]);
  expect(ticks(spans, 600, 0)).toEqual([]);
});

test("numbers and versions of neighbours do not lie on one another", () => {
  const x = (slot: number) => slot;
  const all = labels([mark(100, { findings: [0, 1], text: "v17" }), mark(110, { findings: [2], count: 4 }), mark(300, { findings: [3], text: "v18" })], x);
  expect(all).toEqual([
    { number: "1 2", text: "" },
    { number: "", text: "×4" },
    { number: "4", text: "v18" },
  ]);
});

test("stepping through a row stays in the row", () => {
  const here = row("a", "agent", [mark(1), mark(2)]);
  expect([stepped(here, undefined, 1), stepped(here, undefined, -1), stepped(here, 1, 1), stepped(here, 0, -1)]).toEqual([0, 1, 1, 0]);
  expect(stepped(row("b", "agent", []), undefined, 1)).toBeUndefined();
});

test("the witnesses of a finding are joined once each, on what is shared where it has a row", () => {
  const rows = [
    row("one", "agent", [mark(10, { findings: [0] }), mark(30, { findings: [0], kind: "write" })]),
    row("r:x", "resource", [mark(10, { findings: [0] })]),
    row("two", "agent", [mark(20, { to: "one", kind: "hand-over", open: true })]),
  ];
  const drawn = links(rows, 0, (slot) => slot, (at) => at * 50);
  expect(drawn.witness).toBe("M10 50L30 0");
  expect(drawn.handoffs.map(({ open }) => open)).toEqual([true]);
  expect(links(rows, undefined, (slot) => slot, (at) => at).witness).toBe("");
});

test("bars fit the row whatever is counted, and places fit the drawing", () => {
  expect(bars([[0, 1], [599, 100_000]], 600, 800, 22).match(/v-\d+/g)).toEqual(["v-2", "v-22"]);
  for (const slot of [0, 300, 599]) {
    expect(xOf(slot, 600, 800)).toBeGreaterThan(0);
    expect(xOf(slot, 600, 800)).toBeLessThan(800);
  }
});
