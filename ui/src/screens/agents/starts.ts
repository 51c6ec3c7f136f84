// The words of what starts by itself, and when the list has to be asked for anew. Rhythms and reasons come from the host.
import type { AgentStartsView } from "../../api/generated/AgentStartsView";
import type { StartSource } from "../../api/generated/StartSource";
import type { StartView } from "../../api/generated/StartView";
import { day, dayName, span, time, whole } from "../../text";

const source: Record<StartSource, string> = {
  declared: "Declared by the agent",
  server: "Cron of the server",
  observed: "Seen, not declared",
};

export const startWords = {
  title: "What starts by itself",
  none: "Nothing is known to start it by itself. Schedules it declares, crons of its server and starts seen to come at even times appear here.",
  unread: "What starts by itself could not be read.",
  asOf: (at: string) => `As it was at ${at}; it does not answer now.`,
  off: "Off",
  unknown: "not known",
  in: (ms: number, likely: boolean) => (ms <= 0 ? "now" : `${likely ? "likely " : ""}in ${span(ms)}`),
  source,
  seen: (count: string, number: number, last: string) => (number === 1 ? `seen once, ${last}` : `seen ${count} times, last ${last}`),
  late: (at: string) => `Was due ${at} and was not seen.`,
  more: (count: number) => `${whole(count)} more are not listed.`,
  rhythm: (start: Pick<StartView, "rhythm" | "zone">) => (start.zone === null ? start.rhythm : `${start.rhythm}, ${start.zone}`),
};

/** A time in the person's zone: only the clock when it is today, with the day when it is not. */
export function when(at: string, now: number): string {
  return dayName(at) === dayName(now) ? time(at) : day(at);
}

/** The first time that is told, in milliseconds: after it the list says something else. */
export function dueAgain(agents: readonly AgentStartsView[]): number | undefined {
  const times = agents.flatMap((agent) => agent.starts.map((start) => Date.parse(start.nextAt ?? "")));
  const known = times.filter(Number.isFinite);
  return known.length === 0 ? undefined : Math.min(...known);
}
