// Which rows of a long list are in the page, and where they stand. Rows have one fixed height, so this is arithmetic
// only: no measuring, no DOM. It does not know what a row shows.

/** Rows `first` up to, not including, `end`. */
export interface Range {
  first: number;
  end: number;
}

export const CARD_HEIGHT = 64;
export const DENSE_CARD_HEIGHT = 44;
/** Space between two cards; part of the pitch. */
export const CARD_GAP = 6;

/** The rows that a viewport of `height` pixels at `scrollTop` can show, with `extra` rows on each side. */
export function visibleRange(scrollTop: number, height: number, pitch: number, count: number, extra = 3): Range {
  if (count <= 0 || pitch <= 0) return { first: 0, end: 0 };
  const first = Math.max(0, Math.min(count - 1, Math.floor(Math.max(0, scrollTop) / pitch) - extra));
  const end = Math.min(count, Math.max(first + 1, Math.ceil((Math.max(0, scrollTop) + Math.max(0, height)) / pitch) + extra));
  return { first, end };
}

/** Where to scroll so that row `index` is wholly in view; the same place if it already is. */
export function scrollToShow(index: number, scrollTop: number, height: number, pitch: number): number {
  const top = index * pitch;
  if (top < scrollTop) return top;
  if (top + pitch > scrollTop + height) return Math.max(0, top + pitch - height);
  return scrollTop;
}

/** Width of a column that is scrolled through, with the space after it. */
export const COLUMN_PITCH = 216 + 12;

/** The columns a board of `width` pixels shows at `scrollLeft`, with one on each side, and the space that others take. */
export function columnsInView(scrollLeft: number, width: number, count: number): Range & { before: number; after: number } {
  const { first, end } = visibleRange(scrollLeft, width, COLUMN_PITCH, count, 1);
  // A spacer is followed by the space between two, like a column.
  const space = (columns: number): number => Math.max(0, columns * COLUMN_PITCH - 12);
  return { first, end, before: space(first), after: space(count - end) };
}

/** Where to scroll so that a column is wholly in view. */
export function scrollToColumn(index: number, scrollLeft: number, width: number): number {
  return scrollToShow(index, scrollLeft, width, COLUMN_PITCH);
}

/** Total height of a column with `count` rows. */
export function columnHeight(count: number, pitch: number): number {
  return Math.max(0, count) * pitch;
}
