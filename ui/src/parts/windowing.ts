// Which rows of a long list of equal height are drawn. Fixed heights keep it to arithmetic; no measuring.

export type Window = { first: number; last: number; before: number; after: number };

/**
 * Rows `first`..`last` (end excluded) with `extra` rows on both sides, and the pixels of the rows not drawn.
 * Heights in pixels.
 */
export function windowOf(count: number, height: number, scrollTop: number, viewport: number, extra = 6): Window {
  if (count === 0 || height <= 0) return { first: 0, last: 0, before: 0, after: 0 };
  const top = Math.max(0, Math.min(scrollTop, Math.max(0, count * height - viewport)));
  const first = Math.max(0, Math.floor(top / height) - extra);
  const last = Math.min(count, Math.ceil((top + viewport) / height) + extra);
  return { first, last, before: first * height, after: (count - last) * height };
}

/** The scroll position that shows row `index` whole, moving as little as possible. */
export function reveal(index: number, height: number, scrollTop: number, viewport: number): number {
  const top = index * height;
  if (top < scrollTop) return top;
  if (top + height > scrollTop + viewport) return top + height - viewport;
  return scrollTop;
}
