// Thresholds as a person types them.
import { describe, expect, test } from "vitest";
import type { Settings } from "../../api/generated/Settings";
import { read, readPercents, shown, thresholds, type Threshold } from "./thresholds";

const defaults: Settings = {
  stallAfterSeconds: 600,
  handoffDueSeconds: 300,
  acknowledgeDueSeconds: 900,
  staleAfterPolls: 3,
  writeOverlapSeconds: 0,
  reviewEveryDays: 90,
  readinessDays: 28,
  readinessApprovalRate: 0.85,
  readinessMinDecisions: 20,
  escalationSlaHours: 24,
  quotaWarnPercent: [75, 90],
  retryStormCount: 5,
  retryStormWindowSeconds: 600,
};

function field(key: string): Threshold {
  const found = thresholds.find((one) => one.key === key);
  if (found === undefined) throw new Error(key);
  return found;
}

describe("thresholds", () => {
  test("every number of the settings has a field", () => {
    const numbers = Object.entries(defaults).filter(([, value]) => typeof value === "number").map(([key]) => key);
    expect(thresholds.map((one) => one.key).sort()).toEqual(numbers.sort());
  });

  test("what is shown reads back as what is stored", () => {
    for (const one of thresholds) expect(read(one, shown(one, defaults))).toEqual({ value: defaults[one.key], problem: null });
  });

  test("a share is shown in percent", () => {
    expect(shown(field("readinessApprovalRate"), defaults)).toBe("85");
  });

  test.each([
    ["stallAfterSeconds", "soon"],
    ["stallAfterSeconds", ""],
    ["stallAfterSeconds", "0"],
    ["staleAfterPolls", "2.5"],
    ["readinessApprovalRate", "101"],
  ])("%s refuses %j with a sentence", (key, typed) => {
    expect(read(field(key), typed).problem).toMatch(/\.$/);
  });

  test("steps of the bars are sorted percentages", () => {
    expect(readPercents("90, 75")).toEqual({ value: [75, 90], problem: null });
    expect(readPercents("0").problem).not.toBeNull();
    expect(readPercents("").problem).not.toBeNull();
  });
});
