// The words of the limits screen. Forecasts come from the engine as sentences; this names where numbers come from and
// how old they are, so that a guess never looks like a measurement.
import type { Basis } from "../../api/generated/Basis";
import type { ExpectedView } from "../../api/generated/ExpectedView";
import type { PoolView } from "../../api/generated/PoolView";
import type { WindowView } from "../../api/generated/WindowView";
import { day, percent, span, time, whole } from "../../text";
import type { Bar, Segment } from "./bar";

export const words = {
  limits: "Limits",
  empty: "No limits seen yet. They appear when an agent reports its limits or its replies carry rate-limit headers.",
  seeAgents: "See the agents",
  table: "Show as a table",
  bars: "Show as bars",
  switch: "Limits as bars or as a table",
  unknown: "not known",
  lasts: "lasts",
  tooEarly: "too early",
  rejectedNow: "used up",
  asOf: (at: string) => `as of ${at}`,
  more: (pools: number) => `${whole(pools)} more pools are in the table.`,
  rejections: (count: number) => (count === 1 ? "1 request refused in the last day" : `${whole(count)} requests refused in the last day`),
  lastRejection: (ago: string) => `the last ${ago} ago`,
  others: (count: number) => (count === 1 ? "1 other" : `${whole(count)} others`),
  unseen: "not observed",
  hardly: "under 1 %",
  sharedBy: (count: number) => (count === 1 ? "one agent" : `${whole(count)} agents`),
  historyOf: (name: string, first: number, last: number) => `${name}: from ${whole(first)} % to ${whole(last)} % used`,
  history: "Use over time",
  pool: "Pool",
  window: "Window",
  used: "Used",
  limit: "Limit",
  source: "Source",
  measured: "Measured",
  resets: "Resets",
  forecast: "Forecast",
  users: "Who was seen to use it",
  reportedBy: (agents: string) => `reported by ${agents}`,
  passed: (share: string) => `${share} of its time has passed`,
  startsBefore: (resets: boolean) => (resets ? "Starts before the reset" : "Starts soon"),
  nextPool: "Next pool",
  previousPool: "Previous pool",
};

const bases: Record<Basis, string> = {
  reported: "as reported",
  headers: "from reply headers",
  percent: "only a percentage is reported",
  unknown: "the limit is not reported",
};

/** `anthropic · key 4f2a · eu`. */
export function poolName(pool: Pick<PoolView, "provider" | "account" | "scope">): string {
  return [pool.provider, pool.account, pool.scope].filter((part) => part !== null && part !== "").join(" · ");
}

/** `tokens per 5 h`; the agent's own name for the window where it says nothing more. */
export function windowName(window: Pick<WindowView, "name" | "unit" | "windowSeconds">): string {
  if (window.windowSeconds === null) return window.unit === null || window.unit === window.name ? window.name : `${window.name}, ${window.unit}`;
  const length = span(window.windowSeconds * 1000);
  if (window.unit === null) return `${window.name}, ${length}`;
  return `${window.unit} per ${length.replace(/^1 (?=\D+$)/, "")}`;
}

/** Where the number comes from and how old it is. */
export function basisSentence(window: Pick<WindowView, "basis" | "observedAt" | "stale">, now: number): string {
  const age = span(now - Date.parse(window.observedAt));
  return window.stale ? `${bases[window.basis]}, last ${age} ago` : `${bases[window.basis]}, ${age} ago`;
}

export function basisWord(basis: Basis): string {
  return bases[basis];
}

/** The short answer at the end of the row: a time, a word, or that nobody knows. */
export function verdict(window: WindowView, bar: Bar): string {
  if (bar.state === "dashed") return words.unknown;
  if (bar.usedPercent !== null && bar.usedPercent >= 100) return words.rejectedNow;
  if (window.stale) return words.asOf(time(window.observedAt));
  if (window.runsOutAt !== null) return time(window.runsOutAt);
  return window.tooEarly ? words.tooEarly : words.lasts;
}

/** What was used of how much, as far as anybody said. */
export function amounts(window: WindowView, used: number | null): string {
  const unit = window.unit === null ? "" : ` ${window.unit}`;
  if (window.limit !== null && used !== null) return `${whole((used / 100) * window.limit)} of ${whole(window.limit)}${unit}, ${percent(used / 100)}`;
  if (used !== null) return percent(used / 100);
  if (window.used !== null) return `${whole(window.used)}${unit} used`;
  if (window.remaining !== null) return `${whole(window.remaining)}${unit} left`;
  return words.unknown;
}

export function resetSentence(window: Pick<WindowView, "resetAt">, now: number): string {
  if (window.resetAt === null) return "";
  const left = Date.parse(window.resetAt) - now;
  if (left <= 0) return `reset was due at ${time(window.resetAt)}`;
  return left > 20 * 3_600_000 ? `resets ${day(window.resetAt)}` : `resets ${time(window.resetAt)}, in ${span(left)}`;
}

/** `payments at 09:00, used about 12 % each time`; the kind of work stands after it. */
export function startSentence(start: Pick<ExpectedView, "at" | "agent" | "percent" | "source">): string {
  const likely = start.source === "observed" ? "likely " : "";
  const used = start.percent === null ? "" : start.percent < 0.5 ? ", hardly used any before" : `, used about ${percent(start.percent / 100)} each time`;
  return `${start.agent} ${likely}at ${time(start.at)}${used}`;
}

/** What the starts change. */
export function withStartsSentence(at: string, now: number): string {
  return `With what starts until then it likely runs out at ${time(at)}, in ${span(Date.parse(at) - now)}.`;
}

/** `crm-sync 31 %`. */
export function segmentLabel(segment: Segment): string {
  const name = segment.series === "unseen" ? words.unseen : (segment.agent ?? words.others(segment.agents));
  return `${name} ${segment.percent < 0.5 ? words.hardly : percent(segment.percent / 100)}`;
}
