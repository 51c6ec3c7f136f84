// The thresholds of the rules as fields of a form: label, unit, what they do, and what counts as a number for each. It
// checks only what a field can know; the engine has the last word.
import type { Settings } from "../../api/generated/Settings";

/** Members that are one number. */
export type NumberKey = { [K in keyof Settings]: Settings[K] extends number ? K : never }[keyof Settings];

export interface Threshold {
  key: NumberKey;
  label: string;
  unit: string;
  min: number;
  max: number;
  whole: boolean;
  /** Shown value = stored value × this. */
  scale: number;
}

const count = (key: NumberKey, label: string, unit: string, min = 1, max = 100_000): Threshold => ({ key, label, unit, min, max, whole: true, scale: 1 });

export const thresholds: readonly Threshold[] = [
  count("stallAfterSeconds", "A task without any sign has stopped moving after", "seconds", 1, 604_800),
  count("handoffDueSeconds", "Finished work must be handed over within", "seconds", 1, 604_800),
  count("acknowledgeDueSeconds", "A handoff must be acknowledged within", "seconds", 1, 604_800),
  count("staleAfterPolls", "An endpoint is stale after this many failed polls", "polls", 1, 100),
  count("writeOverlapSeconds", "Overlaps of work up to this long do not count", "seconds", 0, 86_400),
  { ...count("escalationSlaHours", "A question to you is due within", "hours", 0, 8760), whole: false },
  count("retryStormCount", "Repeats that make a storm", "times", 2, 10_000),
  count("retryStormWindowSeconds", "Counted within", "seconds", 1, 604_800),
  count("reviewEveryDays", "The ownership document is reviewed every", "days", 1, 3650),
  count("readinessDays", "Stable days before another agent is added", "days", 0, 3650),
  { ...count("readinessApprovalRate", "Considered approvals without edits must be above", "%", 0, 100), whole: false, scale: 100 },
  count("readinessMinDecisions", "And there must be at least", "decisions", 0, 10_000),
];

/** What stands in the field. */
export function shown(threshold: Threshold, settings: Settings): string {
  return String(Math.round(settings[threshold.key] * threshold.scale * 1000) / 1000);
}

/** The number to store, or the sentence that says why not. */
export function read(threshold: Threshold, typed: string): { value: number; problem: null } | { value: null; problem: string } {
  const number = typed.trim() === "" ? Number.NaN : Number(typed.trim().replace(",", "."));
  if (!Number.isFinite(number)) return { value: null, problem: "This is not a number." };
  if (threshold.whole && !Number.isInteger(number)) return { value: null, problem: "Only whole numbers count here." };
  if (number < threshold.min || number > threshold.max) {
    return { value: null, problem: `It must be between ${threshold.min} and ${threshold.max} ${threshold.unit}.` };
  }
  return { value: number / threshold.scale, problem: null };
}

/** Long times in words people read: seconds from two minutes, hours from two days; else nothing. */
export function inWords(threshold: Threshold, value: number | null): number | null {
  if (value === null) return null;
  if (threshold.unit === "seconds" && value >= 120) return value * 1000;
  if (threshold.unit === "hours" && value >= 48) return value * 3_600_000;
  return null;
}

/** The two steps at which a limit's bar changes colour, `75, 90`. */
export function readPercents(typed: string): { value: number[]; problem: null } | { value: null; problem: string } {
  const numbers = typed.split(/[\s,;]+/).filter((part) => part !== "").map(Number);
  if (numbers.length === 0 || numbers.some((one) => !Number.isFinite(one) || one <= 0 || one > 100)) {
    return { value: null, problem: "Write percentages between 1 and 100, such as 75, 90." };
  }
  return { value: numbers.sort((a, b) => a - b), problem: null };
}
