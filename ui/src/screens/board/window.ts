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

/** Total height of a column with `count` rows. */
export function columnHeight(count: number, pitch: number): number {
  return Math.max(0, count) * pitch;
}
