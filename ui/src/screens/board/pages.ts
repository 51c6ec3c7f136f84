// The cards of one column that the page holds: only those around what is on screen, never the whole column. The engine
// counts and filters; this keeps what it answered and says what to ask for next. No DOM, no clock, no calls.
import type { CardView } from "../../api/generated/CardView";
import type { ColumnView } from "../../api/generated/ColumnView";
import type { PageRequest } from "../../api/generated/PageRequest";
import type { Range } from "./window";

/** Pages begin at multiples of this, so that scrolling asks for few of them. */
export const PAGE_ROWS = 50;
/** More rows than this of one column are never kept. */
export const MAX_ROWS = 600;

export class ColumnPages {
  readonly column: string;
  count = 0;
  label = "";
  #cards = new Map<number, CardView>();

  constructor(column: string) {
    this.column = column;
  }

  card(index: number): CardView | undefined {
    return this.#cards.get(index);
  }

  get held(): number {
    return this.#cards.size;
  }

  /** The row where this task is, if it is held. */
  indexOf(endpoint: string, task: string): number | undefined {
    for (const [index, card] of this.#cards) if (card.task === task && card.endpoint === endpoint) return index;
    return undefined;
  }

  /**
   * Takes an answer. When it is `fresh` (asked because something changed) every other row is from before that change and
   * goes away; otherwise only rows beyond the end and rows far from `around` go.
   */
  take(view: ColumnView, fresh: boolean, around: Range): void {
    this.count = view.count;
    this.label = view.label.text;
    if (fresh) this.#cards.clear();
    view.cards.forEach((card, at) => this.#cards.set(view.offset + at, card));
    for (const index of this.#cards.keys()) if (index >= view.count) this.#cards.delete(index);
    this.#forgetFarFrom(around);
  }

  clear(): void {
    this.#cards.clear();
  }

  /** One page that covers `range`, whole; asked after a change. At least one row, so that the count comes too. */
  pageOf(range: Range): PageRequest {
    const offset = range.first;
    return { column: this.column, offset, limit: Math.max(1, Math.min(MAX_ROWS, range.end - offset)) };
  }

  /** The page that holds what is missing in `range`, in whole steps of [`PAGE_ROWS`]; nothing when all is held. */
  missing(range: Range): PageRequest | null {
    const end = Math.min(range.end, this.count);
    let first = -1;
    let last = -1;
    for (let index = range.first; index < end; index += 1) {
      if (this.#cards.has(index)) continue;
      if (first < 0) first = index;
      last = index;
    }
    if (first < 0) return null;
    const offset = Math.floor(first / PAGE_ROWS) * PAGE_ROWS;
    const until = Math.min(this.count, Math.ceil((last + 1) / PAGE_ROWS) * PAGE_ROWS);
    return { column: this.column, offset, limit: Math.min(MAX_ROWS, until - offset) };
  }

  #forgetFarFrom(around: Range): void {
    if (this.#cards.size <= MAX_ROWS) return;
    const middle = (around.first + around.end) / 2;
    const byDistance = [...this.#cards.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const index of byDistance) {
      if (this.#cards.size <= MAX_ROWS) break;
      this.#cards.delete(index);
    }
  }
}
