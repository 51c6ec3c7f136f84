// Which rows of a list with known but different heights are drawn. Arithmetic only.

export type Stretch = { first: number; last: number; before: number; after: number };

/** Heights in pixels; `extra` pixels are drawn above and below the viewport. */
export function stretch(heights: number[], scrollTop: number, viewport: number, extra = 400): Stretch {
  let first = 0;
  let before = 0;
  while (first < heights.length && before + (heights[first] ?? 0) <= scrollTop - extra) {
    before += heights[first] ?? 0;
    first += 1;
  }
  let last = first;
  let bottom = before;
  while (last < heights.length && bottom < scrollTop + viewport + extra) {
    bottom += heights[last] ?? 0;
    last += 1;
  }
  const after = heights.slice(last).reduce((sum, height) => sum + height, 0);
  return { first, last, before, after };
}
