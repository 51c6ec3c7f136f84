// The bar of one window of a pool: how much is used, by whom, where the limit stands. Numbers in, segments in percent
// out. It never invents a number: what is not known is drawn as not known.
import type { ShareView } from "../../api/generated/ShareView";
import type { WindowView } from "../../api/generated/WindowView";

export interface Segment {
  /** Agent, or nothing for use that cannot be given to one agent. */
  agent: string | null;
  /** 1 to 5 for the biggest users, 0 for the others. */
  series: number;
  /** Percent of the limit. */
  from: number;
  width: number;
  /** Agents in it. */
  agents: number;
}

export interface Bar {
  /** `dashed`: no limit or use is known. `stale`: known, but old. */
  state: "known" | "dashed" | "stale";
  segments: Segment[];
  usedPercent: number | null;
}

/** Agents with a colour of their own; beyond five no palette survives colour-blindness. */
export const SERIES = 5;

/** Percent used, from whatever the agent reported; nothing when it cannot be told. */
export function usedPercent(window: Pick<WindowView, "limit" | "remaining" | "used" | "usedPercent">): number | null {
  if (window.usedPercent !== null) return window.usedPercent;
  if (window.limit === null || window.limit <= 0) return null;
  if (window.used !== null) return (window.used / window.limit) * 100;
  if (window.remaining !== null) return ((window.limit - window.remaining) / window.limit) * 100;
  return null;
}

/** How much of the window's time has passed at `now`, 0 to 100; nothing when its begin or end is not known. */
export function passedPercent(window: Pick<WindowView, "windowSeconds" | "resetAt">, now: number): number | null {
  if (window.windowSeconds === null || window.windowSeconds <= 0 || window.resetAt === null) return null;
  const left = (Date.parse(window.resetAt) - now) / 1000;
  if (!Number.isFinite(left) || left < 0 || left > window.windowSeconds) return null;
  return 100 - (left / window.windowSeconds) * 100;
}

export function barOf(window: WindowView, shares: readonly ShareView[]): Bar {
  const used = usedPercent(window);
  if (used === null || !Number.isFinite(used)) return { state: "dashed", segments: [], usedPercent: null };
  const shown = Math.max(0, Math.min(100, used));
  return { state: window.stale ? "stale" : "known", segments: split(shown, shares), usedPercent: used };
}

function split(shown: number, shares: readonly ShareView[]): Segment[] {
  if (shown <= 0) return [];
  const known = shares
    .map((share, series) => ({ agent: share.agent, part: share.share, series }))
    .filter((one): one is { agent: string; part: number; series: number } => one.part !== null && one.part > 0)
    .sort((a, b) => b.part - a.part || a.agent.localeCompare(b.agent, "en"));
  const whole = Math.max(1, known.reduce((sum, one) => sum + one.part, 0));
  const segments: Segment[] = [];
  let at = 0;
  const add = (agent: string | null, series: number, part: number, agents: number): void => {
    const width = (shown * part) / whole;
    if (width < 0.05) return;
    segments.push({ agent, series, from: at, width, agents });
    at += width;
  };
  known.slice(0, SERIES).forEach((one, index) => add(one.agent, index + 1, one.part, 1));
  const others = known.slice(SERIES);
  const named = known.reduce((sum, one) => sum + one.part, 0);
  // What no agent's own reports explain is drawn in the neutral colour, so that the bar's length stays the true use.
  const rest = others.reduce((sum, one) => sum + one.part, 0) + Math.max(0, 1 - named);
  const silent = shares.length - known.length;
  if (rest > 0) add(null, 0, rest, others.length + silent);
  return segments;
}
