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
    seen: [],
    starts: [],
    withStartsAt: null,
    ...change,
  };
}

const use = (agent: string, percent: number) => ({ agent, percent });

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
  const drawn = (change: Partial<WindowView>) => barOf(window(change)).segments.map((one) => [one.agent, one.series, one.from, one.width, one.agents]);

  test("its length is the true use, split by who was seen to use it", () => {
    expect(drawn({ seen: [use("crm", 40), use("digest", 10)] })).toEqual([
      ["crm", 1, 0, 40, 1],
      ["digest", 2, 40, 10, 1],
    ]);
  });

  test("use that nobody was seen to make is a segment of its own, not given to somebody", () => {
    expect(drawn({ seen: [use("crm", 5)] })).toEqual([
      ["crm", 1, 0, 5, 1],
      [null, "unseen", 5, 45, 0],
    ]);
    expect(drawn({})).toEqual([[null, "unseen", 0, 50, 0]]);
  });

  test("beyond five agents the rest are one segment", () => {
    const seen = Array.from({ length: 8 }, (_, at) => use(`a${at}`, 12.5));
    expect(drawn({ used: 1000, seen })).toHaveLength(6);
    expect(drawn({ used: 1000, seen })[5]).toEqual([null, 0, 62.5, 37.5, 3]);
  });

  test("an unknown limit is dashed and has no length", () => {
    expect(barOf(window({ limit: null, used: null, seen: [use("crm", 1)] }))).toEqual({ state: "dashed", segments: [], usedPercent: null });
  });

  test("an old number keeps its length and says that it is old", () => {
    expect(barOf(window({ stale: true }))).toMatchObject({ state: "stale", usedPercent: 50 });
  });

  test("use above the limit fills the bar and keeps its number", () => {
    expect(barOf(window({ used: 1200 })).usedPercent).toBe(120);
    expect(drawn({ used: 1200, seen: [use("crm", 90)] })).toEqual([
      ["crm", 1, 0, 75, 1],
      [null, "unseen", 75, 25, 0],
    ]);
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
