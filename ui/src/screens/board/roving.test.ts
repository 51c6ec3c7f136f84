// Where the keys take you on the board.
import { describe, expect, test } from "vitest";
import { moved, settled, type Move, type Place } from "./roving";

describe("keys on the board", () => {
  const counts = [3, 0, 20];
  test.each<[string, Place, Move, Place]>([
    ["down moves one card", { column: 0, row: 0 }, "down", { column: 0, row: 1 }],
    ["down stops at the last card", { column: 0, row: 2 }, "down", { column: 0, row: 2 }],
    ["up stops at the first card", { column: 0, row: 0 }, "up", { column: 0, row: 0 }],
    ["right passes over an empty column", { column: 0, row: 1 }, "right", { column: 2, row: 1 }],
    ["left lands on the last card of a shorter column", { column: 2, row: 15 }, "left", { column: 0, row: 2 }],
    ["right at the last column stays", { column: 2, row: 4 }, "right", { column: 2, row: 4 }],
    ["end goes to the last card", { column: 2, row: 4 }, "end", { column: 2, row: 19 }],
    ["home goes to the first card", { column: 2, row: 4 }, "home", { column: 2, row: 0 }],
    ["a page down moves ten cards and stops at the end", { column: 2, row: 15 }, "page-down", { column: 2, row: 19 }],
  ])("%s", (_name, from, move, expected) => {
    expect(moved(from, move, counts)).toEqual(expected);
  });

  test("when cards go away the keyboard stays on the nearest one", () => {
    expect(settled({ column: 0, row: 9 }, counts)).toEqual({ column: 0, row: 2 });
    expect(settled({ column: 1, row: 0 }, counts)).toEqual({ column: 0, row: 0 });
    expect(settled({ column: 1, row: 0 }, [0, 0])).toBeNull();
  });
});
