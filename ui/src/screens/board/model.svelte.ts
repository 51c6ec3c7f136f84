// The board's state in the page: title, counts, the cards around what is on screen, filter. It asks the engine again when
// something changed and when the person scrolls to cards it does not hold; it never sorts, filters or counts itself.
import { CallError } from "../../api/call-error";
import type { BoardGroup } from "../../api/generated/BoardGroup";
import type { BoardRequest } from "../../api/generated/BoardRequest";
import type { BoardView } from "../../api/generated/BoardView";
import type { CardView } from "../../api/generated/CardView";
import type { Column } from "../../api/generated/Column";
import type { LoadingView } from "../../api/generated/LoadingView";
import { ColumnPages } from "./pages";
import type { Range } from "./window";

/** Order on screen, by state. */
export const COLUMNS: readonly Column[] = ["queued", "running", "handed-over", "needs-you", "done", "failed", "unknown"];

/** Rows asked of a column before its height is known. */
const FIRST_ROWS = 20;

export interface ColumnHead {
  /** A state, an agent, a workflow or a resource. */
  column: string;
  label: string;
  count: number;
  /** How many have not ended. */
  live: number;
}

export class BoardModel {
  title = $state("");
  heads = $state.raw<readonly ColumnHead[]>([]);
  loading = $state.raw<readonly LoadingView[]>([]);
  revision = $state(0);
  /** Grows with every answer; reading it makes a component draw cards again. */
  version = $state(0);
  /** The last question failed; what is shown is from before. */
  failed = $state(false);
  /** Why it failed. */
  error = $state.raw<CallError>();
  /** When what is shown was answered, in milliseconds; 0 before the first answer. */
  answeredAt = $state(0);
  loaded = $state(false);
  filter = $state("");
  problemsOnly = $state(false);
  /** What the columns are. */
  group = $state<BoardGroup>("status");
  /** Columns that are not drawn. */
  moreColumns = $state(0);

  #pages = new Map<string, ColumnPages>();
  #ranges = new Map<string, Range>();
  #ask: (request: BoardRequest) => Promise<BoardView>;
  #busy = false;
  #waiting: "fresh" | "more" | null = null;
  #closed = false;

  constructor(ask: (request: BoardRequest) => Promise<BoardView>) {
    this.#ask = ask;
  }

  close(): void {
    this.#closed = true;
  }

  pages(column: string): ColumnPages {
    let pages = this.#pages.get(column);
    if (pages === undefined) {
      pages = new ColumnPages(column);
      this.#pages.set(column, pages);
    }
    return pages;
  }

  card(column: string, index: number): CardView | undefined {
    void this.version;
    return this.pages(column).card(index);
  }

  counts(): number[] {
    return this.heads.map((head) => head.count);
  }

  /** What a column shows now. Asks for cards that are missing there. */
  show(column: string, range: Range): void {
    this.#ranges.set(column, range);
    if (this.loaded && this.pages(column).missing(range) !== null) void this.#request("more");
  }

  /** Something changed: everything on screen is asked again. */
  refresh(): Promise<void> {
    return this.#request("fresh");
  }

  setFilter(filter: string): Promise<void> {
    this.filter = filter;
    return this.#restart();
  }

  setProblemsOnly(on: boolean): Promise<void> {
    this.problemsOnly = on;
    return this.#restart();
  }

  /** Other columns: nothing of the former ones is kept, and the new ones are not known yet. */
  setGroup(group: BoardGroup): Promise<void> {
    this.group = group;
    this.#pages.clear();
    this.heads = [];
    this.loaded = false;
    return this.#restart();
  }

  #restart(): Promise<void> {
    this.#ranges.clear();
    return this.#request("fresh");
  }

  /** One question at a time; what comes in between becomes one more question after it. */
  async #request(why: "fresh" | "more"): Promise<void> {
    if (this.#busy) {
      if (this.#waiting !== "fresh") this.#waiting = why;
      return;
    }
    this.#busy = true;
    try {
      for (let next: "fresh" | "more" | null = why; next !== null && !this.#closed; ) {
        this.#waiting = null;
        await this.#once(next === "fresh");
        next = this.#waiting;
      }
    } finally {
      this.#busy = false;
    }
  }

  async #once(fresh: boolean): Promise<void> {
    const filter = this.filter;
    const problemsOnly = this.problemsOnly;
    const group = this.group;
    const columns = group === "status" ? COLUMNS : this.heads.map((head) => head.column);
    const pages = columns.map((column) => {
      const range = this.#ranges.get(column) ?? { first: 0, end: FIRST_ROWS };
      return fresh ? this.pages(column).pageOf(range) : this.pages(column).missing(range);
    }).filter((page) => page !== null);
    if (pages.length === 0 && (!fresh || columns.length > 0)) return;
    let view: BoardView;
    try {
      view = await this.#ask({ group, pages, filter, problemsOnly });
    } catch (thrown) {
      this.failed = true;
      this.error = CallError.from(thrown);
      return;
    }
    // Typed over meanwhile: the answer is for another question, and the next one is already waiting.
    if (filter !== this.filter || problemsOnly !== this.problemsOnly || group !== this.group) return;
    this.failed = false;
    this.error = undefined;
    this.answeredAt = Date.now();
    const asked = new Set(pages.map((page) => page.column));
    // A page asked while scrolling may already be newer than its neighbours; then they are asked again too.
    const moved = !fresh && view.revision !== this.revision;
    for (const column of view.columns) {
      const own = this.pages(column.column);
      if (!asked.has(column.column) && column.cards.length === 0) {
        own.count = column.count;
        continue;
      }
      own.take(column, fresh, this.#ranges.get(column.column) ?? { first: 0, end: FIRST_ROWS });
    }
    this.title = view.title;
    this.loading = view.loading;
    this.revision = view.revision;
    // By state in our own order; else as the engine has them, with those that are gone forgotten.
    const order = group === "status" ? COLUMNS : view.columns.map((each) => each.column);
    this.heads = order.flatMap((column) => {
      const head = view.columns.find((one) => one.column === column);
      // A state that no task should have takes no room while none has it.
      return head === undefined || (column === "unknown" && head.count === 0) ? [] : [{ column, label: head.label.text, count: head.count, live: head.live }];
    });
    for (const known of this.#pages.keys()) if (!view.columns.some((one) => one.column === known)) this.#pages.delete(known);
    this.moreColumns = view.moreColumns;
    this.loaded = true;
    this.version += 1;
    if (moved && this.#waiting === null) this.#waiting = "fresh";
  }
}
