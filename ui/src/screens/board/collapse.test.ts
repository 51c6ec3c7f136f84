// Which columns give way.
import { describe, expect, test } from "vitest";
import type { Column } from "../../api/generated/Column";
import { GAP, narrowColumns, NARROW, WIDE } from "./collapse";

const counts: Record<Column, number> = { queued: 4, running: 2, "handed-over": 0, "needs-you": 1, done: 9, failed: 1, unknown: 0 };
const heads = (Object.entries(counts) as [Column, number][]).map(([column, count]) => ({ column, count }));
const whole = heads.length * WIDE + (heads.length - 1) * GAP;

describe("narrow columns", () => {
  test.each<[string, number, Column | null, Column[]]>([
    ["with room for all there are none", whole, null, []],
    ["an empty one gives way first", whole - 1, null, ["unknown"]],
    ["then what is done", whole - 2 * (WIDE - NARROW) - 1, null, ["unknown", "handed-over", "done"]],
    ["never the one the person is in", whole - 2 * (WIDE - NARROW) - 1, "done", ["unknown", "handed-over", "queued"]],
    ["what needs the person gives way last", 0, "running", ["unknown", "handed-over", "done", "queued", "failed", "needs-you"]],
  ])("%s", (_name, width, kept, expected) => {
    expect([...narrowColumns(heads, width, kept)]).toEqual(expected);
  });
});
