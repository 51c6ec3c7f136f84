// The bar of one window of a pool: how much is used, by whom, where the limit stands. Numbers in, segments in percent
// out. It never invents a number: what is not known is drawn as not known.
import type { UseView } from "../../api/generated/UseView";
import type { WindowView } from "../../api/generated/WindowView";

export interface Segment {
  /** Agent, or nothing for use that is not of one agent. */
  agent: string | null;
  /** 1 to 5 for the biggest users, 0 for the others; `unseen` for use that nobody was seen to make. */
  series: number | "unseen";
  /** Percent of the limit. */
  percent: number;
  /** Where it is drawn, in percent of the bar; use above the limit is drawn narrower. */
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

export function barOf(window: WindowView): Bar {
  const used = usedPercent(window);
  if (used === null || !Number.isFinite(used)) return { state: "dashed", segments: [], usedPercent: null };
  return { state: window.stale ? "stale" : "known", segments: split(used, window.seen), usedPercent: used };
}

/** The bar's length is the true use: what nobody was seen to use is a segment of its own, never given to somebody. */
function split(used: number, seen: readonly UseView[]): Segment[] {
  const all = seen.reduce((sum, one) => sum + one.percent, 0);
  const whole = Math.max(used, all);
  if (whole <= 0) return [];
  const scale = Math.min(100, used) / whole;
  const segments: Segment[] = [];
  let at = 0;
  const add = (agent: string | null, series: Segment["series"], percent: number, agents: number): void => {
    const width = percent * scale;
    if (width < 0.05) return;
    segments.push({ agent, series, percent, from: at, width, agents });
    at += width;
  };
  seen.slice(0, SERIES).forEach((one, index) => add(one.agent, index + 1, one.percent, 1));
  const others = seen.slice(SERIES);
  add(null, 0, others.reduce((sum, one) => sum + one.percent, 0), others.length);
  // Less is what rounding leaves.
  if (whole - all >= 0.5) add(null, "unseen", whole - all, 0);
  return segments;
}
