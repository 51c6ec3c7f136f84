// How many cards of a column are kept, and what is asked for.
import { describe, expect, test } from "vitest";
import type { CardView } from "../../api/generated/CardView";
import type { ColumnView } from "../../api/generated/ColumnView";
import { ColumnPages, MAX_ROWS, PAGE_ROWS } from "./pages";

function card(index: number, title = "Task"): CardView {
  return {
    endpoint: "host",
    task: `t-${index}`,
    title: { text: `${title} ${index}`, flagged: false, marks: [] },
    agent: "a",
    shape: "running",
    state: "working",
    nativeState: null,
    since: "2026-01-01T00:00:00Z",
    budgetSeconds: null,
    startedAt: null,
    progress: null,
    note: null,
    stale: false,
    escalationKey: null,
    lastChange: "2026-01-01T00:00:00Z",
    canCancel: false,
    askedAt: null,
    after: [],
    goesTo: null,
    badges: [],
  };
}

function answer(offset: number, rows: number, count: number, title?: string): ColumnView {
  return { column: "running", label: { text: "Running", flagged: false, marks: [] }, count, live: count, offset, cards: Array.from({ length: rows }, (_, at) => card(offset + at, title)) };
}

describe("the cards of a column", () => {
  test("scrolling through 20,000 never keeps more than 600", () => {
    const pages = new ColumnPages("running");
    pages.take(answer(0, PAGE_ROWS, 20_000), true, { first: 0, end: 20 });
    for (let first = 0; first < 20_000; first += 20) {
      const range = { first, end: Math.min(20_000, first + 20) };
      const page = pages.missing(range);
      if (page !== null) pages.take(answer(page.offset, page.limit, 20_000), false, range);
      expect(pages.held).toBeLessThanOrEqual(MAX_ROWS);
      expect(pages.card(range.first)?.task).toBe(`t-${range.first}`);
      expect(pages.card(range.end - 1)?.task).toBe(`t-${range.end - 1}`);
    }
  });

  test("what is held is not asked again", () => {
    const pages = new ColumnPages("running");
    pages.take(answer(0, 100, 500), true, { first: 0, end: 20 });
    expect(pages.missing({ first: 10, end: 30 })).toBeNull();
    expect(pages.missing({ first: 90, end: 110 })).toEqual({ column: "running", offset: 100, limit: PAGE_ROWS });
  });

  test("the last page asks only for rows that exist", () => {
    const pages = new ColumnPages("running");
    pages.take(answer(0, 50, 60), true, { first: 0, end: 20 });
    expect(pages.missing({ first: 40, end: 60 })).toEqual({ column: "running", offset: 50, limit: 10 });
  });

  test("after a change, rows from before it are gone", () => {
    const pages = new ColumnPages("running");
    pages.take(answer(0, 100, 500, "Old"), true, { first: 0, end: 20 });
    pages.take(answer(40, 20, 500, "New"), true, { first: 40, end: 60 });
    expect(pages.card(45)?.title.text).toBe("New 45");
    expect(pages.card(5)).toBeUndefined();
  });

  test("rows beyond the end go when the column shrinks", () => {
    const pages = new ColumnPages("running");
    pages.take(answer(0, 100, 100), true, { first: 0, end: 20 });
    pages.take(answer(0, 10, 30), false, { first: 0, end: 20 });
    expect(pages.card(30)).toBeUndefined();
    expect(pages.card(29)?.task).toBe("t-29");
  });

  test("an empty column is still asked for one row, so that its count comes", () => {
    expect(new ColumnPages("running").pageOf({ first: 0, end: 0 })).toEqual({ column: "running", offset: 0, limit: 1 });
  });

  test("a task is found where it is now", () => {
    const pages = new ColumnPages("running");
    pages.take(answer(10, 10, 100), true, { first: 10, end: 20 });
    expect(pages.indexOf("host", "t-14")).toBe(14);
    expect(pages.indexOf("other", "t-14")).toBeUndefined();
  });
});
