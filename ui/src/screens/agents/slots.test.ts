// The 24-hour bar of an endpoint.
import { describe, expect, test } from "vitest";
import { slotBars, slotPaths, slotSentence, SLOTS } from "./slots";

const slot = (state: string) => ({ at: "2026-01-01T00:00:00Z", state });

describe("the bar", () => {
  test("always has 48 half hours, the newest last", () => {
    const bars = slotBars([slot("bad"), slot("good")]);
    expect(bars).toHaveLength(SLOTS);
    expect(bars.slice(-3).map((bar) => bar.state)).toEqual(["none", "bad", "good"]);
  });

  test("says each state by height, not by colour alone", () => {
    const heights = new Set(slotBars(["none", "good", "mixed", "bad"].map(slot)).slice(-4).map((bar) => bar.height));
    expect(heights.size).toBe(4);
  });

  test.each([
    ["nothing asked", [], "Not asked in the last 24 hours"],
    ["all good", Array.from({ length: 48 }, () => slot("good")), "Answered all through 24 hours of the last 24"],
    ["an hour and a half without an answer", [slot("bad"), slot("bad"), slot("bad"), slot("good")], "In the last 24 hours: no good answer for 1.5 hours"],
    ["half an hour of gaps", [slot("mixed"), slot("good")], "In the last 24 hours: some missing answers for half an hour"],
    ["a word from a newer engine counts as not asked", [slot("odd")], "Not asked in the last 24 hours"],
  ])("in words: %s", (_name, history, expected) => {
    expect(slotSentence(history)).toBe(expected);
  });
});

test("drawn, the bar is at most one element for each state", () => {
  const paths = slotPaths(Array.from({ length: 48 }, (_, at) => slot(["good", "bad", "mixed", "none"][at % 4] ?? "none")));
  expect(paths).toHaveLength(4);
  expect(paths.map((one) => one.path.split("M").length - 1)).toEqual([12, 12, 12, 12]);
});
