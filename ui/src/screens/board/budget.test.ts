// The bar of time used, on a card.
import { describe, expect, test } from "vitest";
import { budgetBar } from "./budget";

describe("time used", () => {
  const startedAt = "2026-01-01T10:00:00Z";
  const at = (seconds: number): number => Date.parse(startedAt) + seconds * 1000;
  test.each([
    ["half is fine", 300, { percent: 50, level: "ok" }],
    ["four fifths is near", 480, { percent: 80, level: "near" }],
    ["all of it is over", 600, { percent: 100, level: "over" }],
    ["twice as long is drawn full", 1200, { percent: 100, level: "over" }],
  ])("%s", (_name, seconds, expected) => {
    expect(budgetBar({ budgetSeconds: 600, startedAt, shape: "running" }, at(seconds))).toEqual(expected);
  });

  test("nothing is drawn without a budget, before the start and after the end", () => {
    expect(budgetBar({ budgetSeconds: null, startedAt, shape: "running" }, at(1))).toBeNull();
    expect(budgetBar({ budgetSeconds: 600, startedAt: null, shape: "running" }, at(1))).toBeNull();
    expect(budgetBar({ budgetSeconds: 600, startedAt, shape: "done" }, at(1))).toBeNull();
  });
});
