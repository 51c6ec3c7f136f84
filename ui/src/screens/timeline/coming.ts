// What starts next, put beside the rows of the timeline. Times and habits come from the host; nothing is computed here.
import type { ComingView } from "../../api/generated/ComingView";
import type { TimelineRow } from "../../api/generated/TimelineRow";

/** The next start of each row that is an agent's, and those whose agents have no row. */
export function besideRows(coming: readonly ComingView[], rows: readonly TimelineRow[]): { beside: Map<string, ComingView[]>; others: ComingView[] } {
  const beside = new Map<string, ComingView[]>();
  for (const row of rows) if (row.kind === "agent") beside.set(row.key, []);
  const others: ComingView[] = [];
  for (const start of coming) (beside.get(start.agent) ?? others).push(start);
  return { beside, others };
}
