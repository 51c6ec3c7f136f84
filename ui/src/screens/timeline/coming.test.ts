// The future side: starts stand beside the row of their agent, and none is lost.
import { expect, test } from "vitest";
import type { ComingView } from "../../api/generated/ComingView";
import type { TimelineRow } from "../../api/generated/TimelineRow";
import { besideRows } from "./coming";

const start = (agent: string, minute: number): ComingView => ({
  at: new Date(1_800_000_000_000 + minute * 60_000).toISOString(),
  agent,
  name: { text: agent, flagged: false, marks: [] },
  what: null,
  rhythm: "every hour",
  source: "declared",
  stale: false,
});
const row = (key: string, kind: TimelineRow["kind"]) => ({ key, kind }) as TimelineRow;

test("every start stands beside its agent's row, or below when there is none, in order", () => {
  const coming = [start("a", 1), start("c", 2), start("a", 3), start("b", 9)];
  const { beside, others } = besideRows(coming, [row("a", "agent"), row("b", "agent"), row("c", "resource"), row("d", "agent")]);
  expect([...beside.keys()]).toEqual(["a", "b", "d"]);
  expect(beside.get("a")).toEqual([coming[0], coming[2]]);
  expect(beside.get("d")).toEqual([]);
  expect(others).toEqual([coming[1]]);
});
