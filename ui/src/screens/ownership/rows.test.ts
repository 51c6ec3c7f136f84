// Lines of the matrix: headings, filter, and where the cursor goes.
import { describe, expect, it } from "vitest";
import type { OwnershipAgent } from "../../api/generated/OwnershipAgent";
import type { RowView } from "../../api/generated/RowView";
import { between, linesOf, moved, rowAt, settled, type Spot } from "./rows";

const row = (group: string, resource: string, agent: number, conflict = false): RowView => ({
  group,
  rule: 0,
  resource,
  ownerLabel: `owner${agent}`,
  purpose: null,
  cells: [{ agent, mark: "owner", place: null }],
  conflict,
});
const agents = ["invoices", "payments"].map((name) => ({ name }) as OwnershipAgent);
const rows = [row("trigger", "mail", 0), row("trigger", "cron", 1, true), row("field", "crm", 1)];
const lines = linesOf(rows, agents, "", false);

describe("lines of the matrix", () => {
  it("have a heading where the group changes", () => {
    expect(lines.map((line) => (line.kind === "group" ? `- ${line.group}` : line.row.resource))).toEqual([
      "- trigger",
      "mail",
      "cron",
      "- field",
      "crm",
    ]);
  });

  it("are found by resource, owner or agent, and by conflict", () => {
    const found = (filter: string, conflicts = false) =>
      linesOf(rows, agents, filter, conflicts).flatMap((line) => (line.kind === "row" ? [line.row.resource] : []));
    expect(found("MAI")).toEqual(["mail"]);
    expect(found("payments")).toEqual(["cron", "crm"]);
    expect(found("owner1 crm")).toEqual(["crm"]);
    expect(found("", true)).toEqual(["cron"]);
  });
});

describe("the cursor", () => {
  const check = (from: Spot, how: Parameters<typeof moved>[1], to: Spot) => expect(moved(from, how, lines, 2)).toEqual(to);

  it("steps over headings and stops at the edges", () => {
    check({ line: 2, column: 0 }, "down", { line: 4, column: 0 });
    check({ line: 4, column: 0 }, "up", { line: 2, column: 0 });
    check({ line: 1, column: 0 }, "up", { line: 1, column: 0 });
    check({ line: 4, column: 3 }, "right", { line: 4, column: 3 });
    check({ line: 4, column: 0 }, "left", { line: 4, column: 0 });
    check({ line: 1, column: 3 }, "last", { line: 4, column: 3 });
    check({ line: 4, column: 3 }, "first", { line: 1, column: 3 });
    check({ line: 1, column: 0 }, "page-down", { line: 4, column: 0 });
  });

  it("settles on the nearest row when its own is gone", () => {
    expect(settled({ line: 9, column: 9 }, lines, 2)).toEqual({ line: 4, column: 3 });
    expect(settled({ line: 0, column: 0 }, lines, 2)).toEqual({ line: 1, column: 0 });
    expect(settled({ line: 0, column: 0 }, [], 2)).toBeUndefined();
  });

  it("spans agent cells only", () => {
    const spots = between({ line: 1, column: 0 }, { line: 4, column: 2 }, lines);
    expect(spots.map((spot) => [spot.line, spot.column])).toEqual([
      [1, 2],
      [2, 2],
      [4, 2],
    ]);
    expect(spots.every((spot) => rowAt(lines, spot.line))).toBe(true);
  });
});
