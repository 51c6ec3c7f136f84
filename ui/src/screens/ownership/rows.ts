// From the host's rows to the lines of the matrix: group headings between rows, the filter, and where the cursor may go.
// No drawing.
import type { CellView } from "../../api/generated/CellView";
import type { OwnershipAgent } from "../../api/generated/OwnershipAgent";
import type { RowView } from "../../api/generated/RowView";

export type Line = { kind: "group"; group: string } | { kind: "row"; row: RowView };

/** A place in the grid: a line, and a column (0 resource, 1 owner, 2 and on the agents). */
export type Spot = { line: number; column: number };

export const FIRST_AGENT = 2;

/** An agent's column; `at` is its position in the host's list, which cells name it by. */
export type Column = { agent: OwnershipAgent; at: number };

/** All agents, or only those that write (or were seen writing) in one of the rows. */
export function columnsOf(agents: readonly OwnershipAgent[], lines: readonly Line[], writersOnly: boolean): Column[] {
  const all = agents.map((agent, at) => ({ agent, at }));
  if (!writersOnly) return all;
  const cells = lines.flatMap((line) => (line.kind === "row" && line.row.group !== "exception" ? line.row.cells : []));
  const writers = new Set(cells.flatMap((cell) => (cell.mark === "reader" ? [] : [cell.agent])));
  return all.filter(({ at }) => writers.has(at));
}

/** Rows with a heading where the group changes; `filter` looks into resource, owner and the agents with a mark. */
export function linesOf(rows: readonly RowView[], agents: readonly OwnershipAgent[], filter: string, conflictsOnly: boolean): Line[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const lines: Line[] = [];
  let group = "";
  for (const row of rows) {
    if (conflictsOnly && !row.conflict) continue;
    const text = [row.resource, row.ownerLabel, ...row.cells.map((cell) => agents[cell.agent]?.name ?? "")].join(" ").toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    if (row.group !== group) {
      group = row.group;
      lines.push({ kind: "group", group });
    }
    lines.push({ kind: "row", row });
  }
  return lines;
}

/** The mark of a row for an agent. */
export function cellOf(row: RowView, agent: number): CellView | undefined {
  return row.cells.find((cell) => cell.agent === agent);
}

/** The row on a line, if it is one. */
export function rowAt(lines: readonly Line[], line: number): RowView | undefined {
  const found = lines[line];
  return found?.kind === "row" ? found.row : undefined;
}

/** The nearest place that exists: on a row, never on a heading. `undefined` when there is no row. */
export function settled(spot: Spot, lines: readonly Line[], agents: number): Spot | undefined {
  const column = Math.max(0, Math.min(spot.column, FIRST_AGENT + agents - 1));
  for (let away = 0; away < lines.length; away += 1) {
    for (const line of [spot.line + away, spot.line - away]) {
      if (rowAt(lines, line)) return { line, column };
    }
  }
  const last = lines.findLastIndex((line) => line.kind === "row");
  return last < 0 ? undefined : { line: last, column };
}

export type Move = "up" | "down" | "left" | "right" | "home" | "end" | "page-up" | "page-down" | "first" | "last";

/** Where a key leads from here; headings are stepped over, and at the edge nothing moves. */
export function moved(spot: Spot, how: Move, lines: readonly Line[], agents: number): Spot {
  const go = (lineStep: number): Spot => {
    const direction = Math.sign(lineStep);
    let line = Math.max(0, Math.min(lines.length - 1, spot.line + lineStep));
    while (line >= 0 && line < lines.length && !rowAt(lines, line)) line += direction;
    return rowAt(lines, line) ? { ...spot, line } : spot;
  };
  switch (how) {
    case "up":
      return go(-1);
    case "down":
      return go(1);
    case "page-up":
      return settled({ ...spot, line: spot.line - 10 < 0 ? 0 : spot.line - 10 }, lines, agents) ?? spot;
    case "page-down":
      return settled({ ...spot, line: Math.min(lines.length - 1, spot.line + 10) }, lines, agents) ?? spot;
    case "left":
      return { ...spot, column: Math.max(0, spot.column - 1) };
    case "right":
      return { ...spot, column: Math.min(FIRST_AGENT + agents - 1, spot.column + 1) };
    case "home":
      return { ...spot, column: 0 };
    case "end":
      return { ...spot, column: FIRST_AGENT + agents - 1 };
    case "first":
      return settled({ line: 0, column: spot.column }, lines, agents) ?? spot;
    case "last":
      return settled({ line: lines.length - 1, column: spot.column }, lines, agents) ?? spot;
  }
}

/** All agent cells between two corners, in the order of rows. */
export function between(a: Spot, b: Spot, lines: readonly Line[]): Spot[] {
  const [top, bottom] = [Math.min(a.line, b.line), Math.max(a.line, b.line)];
  const [left, right] = [Math.max(FIRST_AGENT, Math.min(a.column, b.column)), Math.max(a.column, b.column)];
  const spots: Spot[] = [];
  for (let line = top; line <= bottom; line += 1) {
    if (!rowAt(lines, line)) continue;
    for (let column = left; column <= right; column += 1) spots.push({ line, column });
  }
  return spots;
}

/** The resource without its kind, which the heading above says already. */
export function shortName(row: RowView): string {
  return row.group === "exception" ? row.resource : row.resource.replace(/^[a-z]+:/, "");
}

/** What stays the same about a row while rules come and go above it. */
export function nameIn(line: Line | undefined): string | undefined {
  return line?.kind === "row" ? `${line.row.group} ${shortName(line.row)}` : undefined;
}

/** The line of that name nearest to where it was; `undefined` when it is gone. */
export function lineNamed(name: string | undefined, was: number, lines: readonly Line[]): number | undefined {
  if (name === undefined) return undefined;
  for (let away = 0; away < lines.length + was; away += 1) {
    if (nameIn(lines[was + away]) === name) return was + away;
    if (nameIn(lines[was - away]) === name) return was - away;
  }
  return undefined;
}

/** Which cells of a row differ from the rows in force: `agent` positions by the row's name. What was only seen is no change. */
export function changedCells(before: readonly RowView[], after: readonly RowView[]): Map<string, Set<number>> {
  const marks = (row: RowView | undefined) =>
    new Map((row?.cells ?? []).flatMap((cell) => (cell.mark === "seen" || cell.mark === "conflict" ? [] : [[cell.agent, `${cell.mark}${cell.place ?? ""}`]])));
  const key = (row: RowView) => `${row.group} ${shortName(row)}`;
  const old = new Map(before.map((row) => [key(row), row]));
  const found = new Map<string, Set<number>>();
  for (const row of after) {
    const was = old.get(key(row));
    if (row.conflict || was?.conflict) continue;
    const [then, now] = [marks(was), marks(row)];
    const changed = [...new Set([...then.keys(), ...now.keys()])].filter((agent) => then.get(agent) !== now.get(agent));
    if (changed.length > 0) found.set(key(row), new Set(changed));
  }
  return found;
}
