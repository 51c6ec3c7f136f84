// Slots of the host's axis on the pixels of the window: ticks, folded stretches, and which mark is under the hand.
import type { TimelineMark } from "../../api/generated/TimelineMark";
import type { TimelineRow } from "../../api/generated/TimelineRow";
import type { TimelineSpan } from "../../api/generated/TimelineSpan";

/** Pixels left free at both ends, so that the first and last mark are whole. */
export const EDGE = 12;

/** The middle of a slot in a drawing `width` wide. */
export function xOf(slot: number, slots: number, width: number): number {
  return Math.round((EDGE + ((slot + 0.5) / slots) * Math.max(0, width - 2 * EDGE)) * 10) / 10;
}

export type Tick = { at: number; x: number };

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** The folded stretches that have room for a word about how long they were. */
export function folded(spans: readonly TimelineSpan[], slots: number, width: number): { x: number; ms: number; key: number }[] {
  const all = spans
    .filter((span) => span.folded)
    .map((span) => ({
      key: span.begin,
      x: (xOf(span.begin, slots, width) + xOf(span.end - 1, slots, width)) / 2,
      ms: Date.parse(span.to) - Date.parse(span.from),
    }));
  // The longest speak first; a word that would lie on theirs is left out, the fold itself stays.
  const told: typeof all = [];
  for (const fold of [...all].sort((a, b) => b.ms - a.ms)) {
    if (told.every((other) => Math.abs(other.x - fold.x) > 44)) told.push(fold);
  }
  return told.sort((a, b) => a.x - b.x);
}

/** Round times on the open stretches, at least `gap` pixels apart; none on folded ones. */
export function ticks(spans: readonly TimelineSpan[], slots: number, width: number, gap = 88): Tick[] {
  const open = spans.filter((span) => !span.folded);
  const seconds = open.reduce((sum, span) => sum + (Date.parse(span.to) - Date.parse(span.from)) / 1000, 0);
  const wide = open.reduce((sum, span) => sum + span.end - span.begin, 0);
  const pixels = (wide / Math.max(1, slots)) * width;
  const most = Math.max(1, Math.floor(pixels / gap));
  const step = (steps.find((each) => seconds / each <= most) ?? 604_800) * 1000;
  const all: Tick[] = [];
  for (const span of open) {
    const [from, to] = [Date.parse(span.from), Date.parse(span.to)];
    const zone = new Date(from).getTimezoneOffset() * 60_000;
    for (let at = Math.ceil((from - zone) / step) * step + zone; at < to; at += step) {
      const slot = span.begin + ((at - from) / (to - from)) * (span.end - span.begin);
      const x = xOf(slot - 0.5, slots, width);
      const last = all[all.length - 1];
      if ((last === undefined || x - last.x >= gap) && x > 24 && x < width - 24) all.push({ at, x });
    }
  }
  return all;
}

/** A mark with its row. */
export type Placed = { row: number; mark: TimelineMark; index: number };

/** All marks in order of time, then of rows. */
export function inOrder(rows: readonly TimelineRow[]): Placed[] {
  return rows
    .flatMap((row, at) => row.marks.map((mark, index) => ({ row: at, mark, index })))
    .sort((a, b) => Date.parse(a.mark.at) - Date.parse(b.mark.at) || a.row - b.row);
}

/** The marks of a row, from left to right, beginning after `from` in the direction asked for; stays at the ends. */
export function stepped(row: TimelineRow, from: number | undefined, by: number): number | undefined {
  if (row.marks.length === 0) return undefined;
  if (from === undefined) return by > 0 ? 0 : row.marks.length - 1;
  return Math.max(0, Math.min(row.marks.length - 1, from + by));
}

export type Label = { number: string; text: string };

/** What stands beside the marks of a row without lying on one another: the numbers of findings above, versions after. */
export function labels(marks: readonly TimelineMark[], x: (slot: number) => number): Label[] {
  const ends = new Map<number, number>();
  return marks.map((mark, index) => {
    const at = x(mark.slot);
    const number = mark.findings
      .slice(0, 3)
      .map((each) => each + 1)
      .join(" ");
    const half = (number.length * 6) / 2;
    const fits = number !== "" && at - half >= (ends.get(mark.side) ?? -Infinity) + 3;
    if (fits) ends.set(mark.side, at + half);
    const said = mark.text ?? (mark.count > 1 ? `×${mark.count}` : "");
    const next = marks.slice(index + 1).find((each) => each.side === mark.side);
    const room = next === undefined || x(next.slot) - at >= 16 + said.length * 6.5;
    return { number: fits ? number : "", text: room ? said : "" };
  });
}

/** One row's bars as a single path: counts over slots, the highest as high as the row allows. */
export function bars(dense: readonly [number, number][], slots: number, width: number, height: number): string {
  const most = Math.max(1, ...dense.map(([, count]) => count));
  return dense
    .map(([slot, count]) => {
      const tall = Math.max(2, Math.round((count / most) * height));
      return `M${xOf(slot, slots, width)} ${height}v${-tall}`;
    })
    .join("");
}

/** Where the witnesses of a finding stand: on the shared thing where there is a row for it, else with the agent. */
function witnesses(rows: readonly TimelineRow[], finding: number): Placed[] {
  const all = inOrder(rows).filter(({ mark }) => mark.findings.includes(finding));
  const shared = all.filter(({ row }) => rows[row]?.kind !== "agent");
  const said = new Set(shared.map(({ mark }) => `${mark.at} ${mark.kind}`));
  return all.filter(({ row, mark }) => rows[row]?.kind !== "agent" || !said.has(`${mark.at} ${mark.kind}`));
}

/** Handoffs and the witnesses of a finding as lines between rows; `y` is the middle of a row. */
export function links(
  rows: readonly TimelineRow[],
  finding: number | undefined,
  x: (slot: number) => number,
  y: (row: number, side: number) => number,
): { handoffs: { d: string; open: boolean }[]; witness: string } {
  const place = new Map(rows.map((row, index) => [row.key, index]));
  const handoffs = rows.flatMap((row, at) =>
    row.marks.flatMap((mark) => {
      const to = mark.to === null ? undefined : place.get(mark.to);
      if (to === undefined || to === at) return [];
      const [from, end] = [y(at, mark.side), y(to, mark.side)];
      const tip = end > from ? -1 : 1;
      const head = `M${x(mark.slot) - 4} ${end + tip * 17}l4 ${-tip * 6}l4 ${tip * 6}`;
      return [{ d: `M${x(mark.slot)} ${from - tip * 8}V${end + tip * 11}${head}`, open: mark.open }];
    }),
  );
  const points =
    finding === undefined
      ? []
      : witnesses(rows, finding)
          .map(({ row, mark }) => `${x(mark.slot)} ${y(row, mark.side)}`);
  return { handoffs, witness: points.length > 1 ? `M${points.join("L")}` : "" };
}
