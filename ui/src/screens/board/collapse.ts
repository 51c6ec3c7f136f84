// Which columns of the board are drawn narrow when there is no room for all. An empty one says nothing, so it goes
// first; then those where nothing can be done. Arithmetic only; it does not measure.
import type { Column } from "../../api/generated/Column";

/** The least width of a column with cards, of a narrow one, and of the space between two. */
export const WIDE = 168;
export const NARROW = 40;
export const GAP = 12;

/** The first is drawn narrow first. */
const ORDER: readonly Column[] = ["unknown", "done", "queued", "failed", "handed-over", "running", "needs-you"];

/** The columns to draw narrow in `width` pixels; never `kept`, which the person is in. */
export function narrowColumns(heads: readonly { column: string; count: number }[], width: number, kept: string | null): Set<string> {
  const narrow = new Set<string>();
  const needed = (): number => heads.reduce((sum, head) => sum + (narrow.has(head.column) ? NARROW : WIDE), GAP * Math.max(0, heads.length - 1));
  const empty = heads.filter((head) => head.count === 0).map((head) => head.column);
  const candidates = [...ORDER.filter((column) => empty.includes(column)), ...ORDER.filter((column) => !empty.includes(column))];
  for (const column of candidates) {
    if (needed() <= width) break;
    if (column !== kept && heads.some((head) => head.column === column)) narrow.add(column);
  }
  return narrow;
}
