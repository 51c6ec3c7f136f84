import { expect, test } from "vitest";
import { reveal, windowOf } from "./windowing";

test("of twenty thousand rows only those in view and a few around are drawn", () => {
  const view = windowOf(20_000, 32, 320_000, 640);
  expect(view).toEqual({ first: 9994, last: 10_026, before: 319_808, after: 319_168 });
});

test.each([
  [0, 0, 600],
  [3, 0, 600],
  [3, 9999, 600],
  [50, 1e9, 600],
  [50, -20, 600],
])("the heights always add up (%d rows, scrolled to %d)", (count, scrollTop, viewport) => {
  const view = windowOf(count, 40, scrollTop, viewport);
  expect(view.before + view.after + (view.last - view.first) * 40).toBe(count * 40);
});

test("a row outside is brought in by the smallest move", () => {
  expect(reveal(0, 40, 100, 200)).toBe(0);
  expect(reveal(10, 40, 0, 200)).toBe(240);
  expect(reveal(3, 40, 0, 200)).toBe(0);
});
