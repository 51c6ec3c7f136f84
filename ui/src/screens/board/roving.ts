// Where the keyboard is on the board: a column and a row in it. Left and right go to the nearest column that has cards;
// up and down stay inside the column. Arithmetic only; focusing the element is the screen's work.

export interface Place {
  column: number;
  row: number;
}

export type Move = "up" | "down" | "left" | "right" | "home" | "end" | "page-up" | "page-down";

/** Rows a page key moves. */
const PAGE = 10;

/** The place after `move`; `counts` are the cards of each column. Stays where it is when there is nowhere to go. */
export function moved(from: Place, move: Move, counts: readonly number[]): Place {
  const here = counts[from.column] ?? 0;
  const clamp = (row: number): number => Math.max(0, Math.min(here - 1, row));
  switch (move) {
    case "up":
      return { ...from, row: clamp(from.row - 1) };
    case "down":
      return { ...from, row: clamp(from.row + 1) };
    case "page-up":
      return { ...from, row: clamp(from.row - PAGE) };
    case "page-down":
      return { ...from, row: clamp(from.row + PAGE) };
    case "home":
      return { ...from, row: 0 };
    case "end":
      return { ...from, row: clamp(here - 1) };
    case "left":
    case "right": {
      const step = move === "left" ? -1 : 1;
      for (let column = from.column + step; column >= 0 && column < counts.length; column += step) {
        const count = counts[column] ?? 0;
        if (count > 0) return { column, row: Math.min(from.row, count - 1) };
      }
      return from;
    }
  }
}

/** A place that exists: the same one if it still does, else the nearest; nothing on an empty board. */
export function settled(place: Place, counts: readonly number[]): Place | null {
  const here = counts[place.column] ?? 0;
  if (here > 0) return { column: place.column, row: Math.max(0, Math.min(place.row, here - 1)) };
  const first = counts.findIndex((count) => count > 0);
  return first < 0 ? null : { column: first, row: 0 };
}
