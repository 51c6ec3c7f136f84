// The 24-hour bar of an endpoint: 48 half hours, each a bar whose height says what it was (tall = every answer good,
// middle = some, short = none, dot = not asked), so that it reads without colour. Geometry and words only.
import type { HealthSlot } from "../../api/generated/HealthSlot";

export const SLOTS = 48;
export const SLOT_WIDTH = 4;
export const BAR_HEIGHT = 18;

export type SlotState = "none" | "good" | "mixed" | "bad";

export interface SlotBar {
  x: number;
  y: number;
  width: number;
  height: number;
  state: SlotState;
}

const HEIGHTS: Record<SlotState, number> = { none: 2, good: 18, mixed: 12, bad: 7 };

export function slotState(word: string): SlotState {
  return word === "good" || word === "mixed" || word === "bad" ? word : "none";
}

/** The newest half hour is the last bar; missing older ones are drawn as not asked. */
export function slotBars(history: readonly HealthSlot[]): SlotBar[] {
  const newest = history.slice(-SLOTS);
  const padding = SLOTS - newest.length;
  return Array.from({ length: SLOTS }, (_, index) => {
    const state = slotState(newest[index - padding]?.state ?? "none");
    const height = HEIGHTS[state];
    return { x: index * SLOT_WIDTH, y: BAR_HEIGHT - height, width: SLOT_WIDTH - 1, height, state };
  });
}

/** The bar in words, for those who do not see it. */
export function slotSentence(history: readonly HealthSlot[]): string {
  const states = history.slice(-SLOTS).map((slot) => slotState(slot.state));
  const asked = states.filter((state) => state !== "none").length;
  if (asked === 0) return "Not asked in the last 24 hours";
  const bad = states.filter((state) => state === "bad").length;
  const mixed = states.filter((state) => state === "mixed").length;
  const hours = (slots: number): string => (slots === 1 ? "half an hour" : `${slots / 2} hours`);
  if (bad === 0 && mixed === 0) return `Answered all through ${hours(asked)} of the last 24`;
  const parts: string[] = [];
  if (bad > 0) parts.push(`no good answer for ${hours(bad)}`);
  if (mixed > 0) parts.push(`some missing answers for ${hours(mixed)}`);
  return `In the last 24 hours: ${parts.join(", ")}`;
}

/** The same bars as one SVG path for each state: 50 endpoints are 200 elements, not 2,400. */
export function slotPaths(history: readonly HealthSlot[]): { state: SlotState; path: string }[] {
  const paths: Record<SlotState, string> = { none: "", good: "", mixed: "", bad: "" };
  for (const bar of slotBars(history)) paths[bar.state] += `M${bar.x} ${bar.y}h${bar.width}v${bar.height}h-${bar.width}z`;
  return (Object.keys(paths) as SlotState[]).filter((state) => paths[state] !== "").map((state) => ({ state, path: paths[state] }));
}
