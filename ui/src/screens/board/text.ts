// The board's sentences. Numbers and times are written by the helpers of `src/text.ts`; what happened to a task comes
// from the engine.
import type { AccessMode } from "../../api/generated/AccessMode";
import type { BoardGroup } from "../../api/generated/BoardGroup";
import type { SchemaCheck } from "../../api/generated/SchemaCheck";
import type { LoadingView } from "../../api/generated/LoadingView";
import type { TaskState } from "../../api/generated/TaskState";
import { whole } from "../../text";

export const words = {
  timeline: "See it on the timeline",
  askedAgo: (age: string) => `Asked ${age} ago, not confirmed yet`,
  artifacts: "What it made",
  refused: "It was refused; see what is wrong with it",
  noVersion: "no version told",
  newest: "the newest",
  show: "Show",
  hide: "Hide",
  attempts: (count: number) => (count === 1 ? "The time it was begun" : `Begun ${whole(count)} times`),
  attemptOf: (number: string) => `Attempt ${number}.`,
  anAttempt: "An attempt.",
  begun: "begun",
  checks: {
    fits: "Fits",
    refused: "Does not fit",
    accepted: "Does not fit, and was accepted once:",
    unchecked: "Not checked against",
    "no-body": "Cannot be checked, its content was not sent:",
  } satisfies Record<SchemaCheck, string>,
  addSchema: "Add this schema",
  showContent: "Show or hide what it made",
  form: "How it is shown",
  asText: "As text",
  turn: "Show it as text, or in its form",
  part: (from: string, to: string, size: string) => `${from} to ${to} of ${size}`,
  earlier: "Earlier part",
  further: "Next part",
  cut: "A block of this part is too long to be drawn whole. As text it stands whole.",
  openAsk: (host: string) => `Open this address of ${host} in your browser?`,
  openYes: "Open it",
  openNo: "Do not open",
  digestTold: "As the agent says; the content was not sent here.",
  digestSeen: "SHA-256 of the content",
  digestWrong: "The content does not have the digest that the agent told.",
  handedTo: (name: string) => `handed to ${name}`,
  readVersion: (version: string | null) => (version === null ? "read it" : `read ${version}`),
  newer: "a newer version has come since",
  board: "Board",
  filter: "Filter",
  filterHint: "Title, agent or task",
  problemsOnly: "Problems only",
  dense: "Dense cards",
  widen: (column: string) => `Open the column ${column}`,
  nextCard: "Next card",
  previousCard: "Previous card",
  nextColumn: "Next column",
  previousColumn: "Previous column",
  firstCard: "First card of the column",
  lastCard: "Last card of the column",
  furtherDown: "Ten cards down",
  furtherUp: "Ten cards up",
  empty: "No tasks yet. Agents that report work appear here by themselves.",
  seeAgents: "See the agents",
  emptyFiltered: "No task matches.",
  showAll: "Show all tasks",
  again: "Try again",
  stale: "Last known state",
  staleMeaning: "Its endpoint has not answered lately; this is the last known state.",
  over: "over its time",
  decide: "Decide in the inbox",
  close: "Close",
  details: "Details of the task",
  cancel: "Cancel this task",
  cancelAsk: "Ask its agent to cancel this task? Work already done stays done.",
  cancelYes: "Ask the agent to cancel",
  cancelNo: "Keep it running",
  cancelCannot: "Cannot be cancelled from here",
  accesses: "What it touched",
  noAccesses: "Its agent reported no reads or writes.",
  history: "What happened",
  raw: "As the agent sent it",
  taskGone: "This task is no longer known.",
  says: (agent: string) => `What ${agent} says`,
  state: "State",
  endpoint: "Endpoint",
  since: "In this state",
  lastChange: "Last change",
  progress: "Progress",
  budget: "Time budget",
  deadline: "Deadline",
  waitingFor: "Waits for",
  nextStage: "Goes on to",
  group: "Columns by",
  groups: { status: "state", agent: "agent", workflow: "workflow", resource: "resource" } satisfies Record<BoardGroup, string>,
  moreColumns: (count: number) => (count === 1 ? "1 more column is not drawn; narrow them down with the filter." : `${whole(count)} more columns are not drawn; narrow them down with the filter.`),
  liveOf: (live: number) => (live === 0 ? "none open" : `${whole(live)} open`),
  after: (ids: readonly string[]) => `after ${ids.join(", ")}`,
  goesTo: (to: string) => `→ ${to}`,
  asked: (age: string) => `asked to cancel ${age} ago`,
  cancelOf: (agent: string) => `Ask ${agent} to cancel it? Work already done stays done.`,
  cancelCard: "Ask to cancel the card",
  dropCancel: "Drop here to ask its agent to cancel",
  asksSoon: "The agent was asked. The card leaves when it says so.",
  lineage: "Comes from and leads to",
  notKnown: "not known here",
  signals: "Handed over",
  noSignal: (stage: string) => `Nothing was handed over yet; it goes on to ${stage}.`,
  signalTo: (to: string, agent: string | null) => (agent === null || agent === to ? `to ${to}` : `to ${to} (${agent})`),
  taken: (by: string, at: string) => `taken by ${by} at ${at}`,
  takenDue: (at: string) => `to be taken by ${at}`,
  takenLate: (age: string) => `not taken, ${age} overdue`,
  notTaken: "not taken yet",
  attempt: "Attempt",
  kind: "Kind",
  key: "Key",
  context: "Context",
  tokens: "Tokens",
  tokensOf: (input: number | null, output: number | null) =>
    [input === null ? null : `${whole(input)} in`, output === null ? null : `${whole(output)} out`]
      .filter((part) => part !== null)
      .join(", "),
  cost: "Cost",
  dollars: (value: number) => `$${value.toFixed(2)}`,
  when: "When",
  how: "How",
  resource: "Resource",
  version: "Version",
  modes: { read: "read", write: "wrote", consume: "consumed" } satisfies Record<AccessMode, string>,
};

export const stateLabels: Record<TaskState, string> = {
  submitted: "Submitted",
  working: "Working",
  "input-required": "Waits for an answer",
  "auth-required": "Waits for a login",
  completed: "Completed",
  failed: "Failed",
  canceled: "Cancelled",
  rejected: "Refused",
  unknown: "Unknown",
};

/** What another task is to this one, in the order they are listed. */
export const relations: Record<string, string> = {
  parent: "Caused by",
  "comes-after": "Comes after",
  child: "Caused",
  "comes-before": "Waited for by",
};

/** A long list that is still being read, in one sentence. */
export function loadingSentence(loading: readonly LoadingView[]): string {
  const parts = loading.map((one) => `${one.endpoint} (${whole(one.seen)} so far)`);
  return parts.length === 0 ? "" : `Still reading long lists: ${parts.join(", ")}.`;
}

/** A count in the width of a narrow column: 940, 14k. */
export function shortCount(count: number): string {
  return count < 10_000 ? whole(count) : `${whole(Math.floor(count / 1000))}k`;
}
