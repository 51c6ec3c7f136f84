// The small line of a window's history.
import { describe, expect, test } from "vitest";
import { sparkline } from "./sparkline";

const point = (minute: number, usedPercent: number) => ({ at: new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString(), usedPercent });

describe("the line", () => {
  test("runs from the oldest to the newest point, full use at the top", () => {
    expect(sparkline([point(10, 100), point(0, 0)], 100, 20)).toEqual({ lines: ["0,20 100,0"], last: { x: 100, y: 0 } });
  });

  test("breaks at a reset instead of falling through it", () => {
    expect(sparkline([point(0, 50), point(5, 90), point(6, 0), point(10, 20)], 100, 20).lines).toHaveLength(2);
  });

  test("one point or none draws nothing", () => {
    expect(sparkline([], 100, 20).lines).toEqual([]);
    expect(sparkline([point(0, 5)], 100, 20).lines).toEqual([]);
  });
});
