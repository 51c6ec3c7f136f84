// What of a long column is in the page.
import { describe, expect, test } from "vitest";
import { columnHeight, COLUMN_PITCH, columnsInView, scrollToColumn, scrollToShow, visibleRange } from "./window";

describe("the rows in the page", () => {
  test.each([
    ["the top shows the first rows and a few below", 0, 640, 100, { first: 0, end: 13 }],
    ["the middle has a few rows on both sides", 6400, 640, 20000, { first: 97, end: 113 }],
    ["the end stops at the last row", 64 * 90, 640, 100, { first: 87, end: 100 }],
    ["scrolled past the end of a list that shrank, the last rows stay", 99_999, 640, 10, { first: 9, end: 10 }],
    ["an empty list has none", 0, 640, 0, { first: 0, end: 0 }],
    ["a negative overscroll counts as the top", -50, 640, 100, { first: 0, end: 13 }],
  ])("%s", (_name, top, height, count, expected) => {
    expect(visibleRange(top, height, 64, count)).toEqual(expected);
  });

  test("seven columns of 20,000 cards stay far under 3,000 elements", () => {
    const { first, end } = visibleRange(500_000, 1200, 50, 20_000);
    expect((end - first) * 7 * 12).toBeLessThan(3000);
  });

  test("a row already in view does not scroll", () => {
    expect(scrollToShow(3, 0, 640, 64)).toBe(0);
  });

  test("a row above or below is brought to the nearer edge", () => {
    expect(scrollToShow(2, 640, 640, 64)).toBe(128);
    expect(scrollToShow(20, 0, 640, 64)).toBe(21 * 64 - 640);
  });

  test("the column is as high as all its rows", () => {
    expect(columnHeight(20_000, 64)).toBe(1_280_000);
  });
});

describe("the columns in the page", () => {
  test("those in view are drawn, and the space of the others is kept", () => {
    for (const count of [0, 1, 5, 24]) {
      for (let left = 0; left < 24 * COLUMN_PITCH; left += 97) {
        const part = columnsInView(left, 1100, count);
        expect(part.end - part.first).toBeLessThanOrEqual(Math.min(count, 8));
        const space = (pixels: number, columns: number) => expect(pixels).toBe(columns === 0 ? 0 : columns * COLUMN_PITCH - 12);
        space(part.before, part.first);
        space(part.after, count - part.end);
      }
    }
  });

  test("the column the keyboard goes to is scrolled into view and then drawn", () => {
    let left = 0;
    for (let column = 0; column < 24; column += 1) {
      left = scrollToColumn(column, left, 1100);
      const part = columnsInView(left, 1100, 24);
      expect(part.first <= column && column < part.end).toBe(true);
    }
  });
});
