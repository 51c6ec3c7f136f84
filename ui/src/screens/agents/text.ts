// The words of the agents screen and of adding agents, there and on the first run. What an endpoint's answers mean is
// said by the engine; here are only labels, questions and the promises made before anything is asked.
import type { Health } from "../../api/generated/Health";
import type { Shape } from "../../api/generated/Shape";
import { span, whole } from "../../text";

export const words = {
  agents: "Agents",
  empty: "No agents are watched yet.",
  add: "Add an agent",
  look: "Look on this computer",
  close: "Close",
  details: "Details of the endpoint",
  again: "Try again",
  lastDay: "Last 24 hours",
  list: "Endpoints",
  dayAgo: "24 h ago",
  now: "now",
  legend: "Tall: every answer good. Middle: some missing. Short: none good. Line: not asked.",
  lastGood: "Last good answer",
  neverGood: "No good answer yet",
  nextPoll: "Next poll",
  pollEvery: "Asked every",
  address: "Address",
  kind: "Kind",
  credential: "Login",
  pages: "Pages read",
  actions: "Actions",
  lettersShort: (count: number) => (count === 1 ? "1 item set aside" : `${whole(count)} items set aside`),
  noAgents: "No agent has reported here",
  endpoint: "Endpoint",
  heard: "Heard",
  filter: "Filter",
  filterHint: "Name or address",
  problemsOnly: "Problems only",
  noneMatch: "No endpoint matches.",
  showAll: "Show all",
  withLogin: "It needs a login",
  refusedSome: (count: number) => (count === 1 ? "1 item could not be read and was set aside" : `${whole(count)} items could not be read and were set aside`),
  can: "What it can do",
  cannot: "What it does not do",
  warnings: "To know",
  inside: "Agents that report here",
  noneInside: "No agent has reported here yet.",
  agent: "Agent",
  doing: "Doing",
  open: "Open",
  waiting: "For you",
  signal: "Signal",
  openTasks: (count: number) => (count === 1 ? "1 open task" : `${whole(count)} open tasks`),
  agentsHere: (count: number) => (count === 1 ? "1 agent" : `${whole(count)} agents`),
  ago: (ms: number) => `${span(ms)} ago`,
  in: (ms: number) => (ms <= 0 ? "now" : `in ${span(ms)}`),
  pollNow: "Ask now",
  pollAsked: "Asked. The answer appears here when it comes.",
  pause: "Pause",
  resume: "Go on asking",
  edit: "Edit",
  remove: "Remove",
  removeAsk: (name: string) => `Stop watching ${name}? Its tasks leave the board. The agent itself is not touched.`,
  removeYes: "Stop watching it",
  removeNo: "Keep it",
  raw: "Show the last answer as it came",
  rawTitle: "Last answer as it came",
  rawHide: "Hide the answer",
  rawCut: "Only the beginning is shown; the answer is longer.",
  rawNone: "No answer is kept.",
  save: "Save",
  cancel: "Leave as it was",
  name: "Name",
  nameHint: "What you call it, for example billing-host",
  newLogin: "New login",
  keepLogin: "Keep the login as it is",
  noLogin: "No login",
  token: "Token",
  basic: "Name and password",
  user: "Name",
  password: "Password",
  typeAddress: "Address of an agent",
  addressHint: "http://localhost:8123",
  ask: "Ask it who it is",
  asking: "Asking",
  askPromise: "One question is sent to this address. Nothing is changed there.",
  watch: "Watch it",
  watchOnly: "Watch only",
  watchOnlyMeans:
    "Mission Control asks for status and shows it. It holds nothing back and changes nothing. An agent hears from you only when you answer one of its questions or ask it to cancel a task.",
  found: "What answered",
  sample: "Its tasks, for example",
  needsLogin: "It wants a login first.",
  notIdentified: "Something answered, but not in a way that Mission Control can read.",
  notAdded: "This could not be added",
  lookFirst: "These ports of this computer would be asked, each with one question. Nothing is asked until you say so.",
  noPorts: "No ports are known to look at.",
  lookNow: (count: number) => (count === 1 ? "Ask this 1 port" : `Ask these ${whole(count)} ports`),
  lookedNone: (asked: number) => `None of the ${whole(asked)} ports answered like an agent. An agent may listen elsewhere: add its address.`,
  lookedFound: (found: number, asked: number) => `${whole(found)} of ${whole(asked)} ports answered. Nothing is watched until you tick it.`,
  watchTicked: (count: number) => (count === 1 ? "Watch 1 agent" : `Watch ${whole(count)} agents`),
  tickFirst: "Tick what should be watched",
  port: (port: number) => `port ${port}`,
};

/** What an endpoint speaks, in words; an unknown word stays as it is. */
export function kindWord(kind: string): string {
  const known: Record<string, string> = {
    native: "Mission Control contract",
    a2a: "A2A",
    langgraph: "LangGraph server",
    opencode: "OpenCode",
    demo: "Demo fleet",
  };
  return known[kind] ?? kind;
}

/** What is said of a login; the engine's word for none is no sentence. */
export function loginWord(credential: string): string {
  return credential === "none" ? words.noLogin : credential;
}

export const healthShape: Record<Health, Shape> = {
  unknown: "unknown",
  online: "done",
  unreachable: "unreachable",
  unauthorized: "needs-you",
  incompatible: "failed",
  stale: "stalled",
  paused: "paused",
};

export const healthLabel: Record<Health, string> = {
  unknown: "Not asked yet",
  online: "Answers",
  unreachable: "No answer",
  unauthorized: "Wants a login",
  incompatible: "Cannot be read",
  stale: "Silent for long",
  paused: "Paused by you",
};
