// What a limit's bar shows, and what it refuses to invent.
import { describe, expect, test } from "vitest";
import type { WindowView } from "../../api/generated/WindowView";
import { barOf, passedPercent, usedPercent } from "./bar";

function window(change: Partial<WindowView>): WindowView {
  return {
    name: "5h",
    unit: "tokens",
    limit: 1000,
    remaining: null,
    used: 500,
    usedPercent: null,
    windowSeconds: 18_000,
    resetAt: null,
    status: null,
    observedAt: "2026-01-01T00:00:00Z",
    stale: false,
    basis: "headers",
    runsOutAt: null,
    tooEarly: false,
    forecast: "",
    level: "ok",
    history: [],
    starts: [],
    withStartsAt: null,
    ...change,
  };
}

const share = (agent: string, part: number | null) => ({ agent, share: part, lastAt: "2026-01-01T00:00:00Z" });

describe("percent used", () => {
  test.each([
    ["a reported percent is taken as it is", { usedPercent: 42 }, 42],
    ["used of a limit", { used: 250 }, 25],
    ["remaining of a limit", { used: null, remaining: 100 }, 90],
    ["without a limit it is not known", { limit: null }, null],
    ["with neither used nor remaining it is not known", { used: null }, null],
  ])("%s", (_name, change, expected) => {
    expect(usedPercent(window(change))).toBe(expected);
  });
});

describe("the bar", () => {
  test("its length is the true use, split by who used it, biggest first", () => {
    const bar = barOf(window({}), [share("digest", 0.2), share("crm", 0.8)]);
    expect(bar.segments.map((one) => [one.agent, one.series, one.from, one.width])).toEqual([
      ["crm", 1, 0, 40],
      ["digest", 2, 40, 10],
    ]);
  });

  test("use that nobody's reports explain is neutral, not given to somebody", () => {
    const bar = barOf(window({}), [share("crm", 0.5), share("digest", null)]);
    expect(bar.segments.map((one) => [one.agent, one.width, one.agents])).toEqual([
      ["crm", 25, 1],
      [null, 25, 1],
    ]);
  });

  test("beyond five agents the rest are one segment", () => {
    const bar = barOf(window({ used: 1000 }), Array.from({ length: 8 }, (_, at) => share(`a${at}`, 0.125)));
    expect(bar.segments).toHaveLength(6);
    expect(bar.segments[5]).toMatchObject({ agent: null, series: 0, agents: 3, width: 37.5 });
  });

  test("an unknown limit is dashed and has no length", () => {
    expect(barOf(window({ limit: null, used: null }), [share("crm", 1)])).toEqual({ state: "dashed", segments: [], usedPercent: null });
  });

  test("an old number keeps its length and says that it is old", () => {
    expect(barOf(window({ stale: true }), [])).toMatchObject({ state: "stale", usedPercent: 50 });
  });

  test("use above the limit fills the bar and keeps its number", () => {
    const bar = barOf(window({ used: 1200 }), [share("crm", 1)]);
    expect(bar.usedPercent).toBe(120);
    expect(bar.segments[0]?.width).toBe(100);
  });
});

describe("the time of a window that has passed", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  test.each([
    ["half of it", { windowSeconds: 7200, resetAt: "2026-01-01T13:00:00Z" }, 50],
    ["is not known without a length", { windowSeconds: null, resetAt: "2026-01-01T13:00:00Z" }, null],
    ["is not known without an end", { windowSeconds: 7200, resetAt: null }, null],
    ["is not known when the end has gone by", { windowSeconds: 7200, resetAt: "2026-01-01T11:59:00Z" }, null],
    ["is not known when the end is further away than the window is long", { windowSeconds: 60, resetAt: "2026-01-01T13:00:00Z" }, null],
  ])("%s", (_name, window, expected) => {
    expect(passedPercent(window, now)).toBe(expected);
  });
});
