// Where the timeline looks: the address of the window and what is asked of the host, and how panning and zooming change
// it. Arithmetic only.
import type { TimelineRequest } from "../../api/generated/TimelineRequest";
import type { TimelineView } from "../../api/generated/TimelineView";
import type { Route } from "../../router.svelte";

/** Lengths of time that can be chosen, in seconds. */
export const lengths = [60, 300, 900, 3600, 21_600, 86_400, 604_800] as const;

/** The request an address stands for. */
export function asked(route: Route): TimelineRequest {
  const { query } = route;
  const seconds = Number(query.get("seconds"));
  const until = query.get("until");
  const pair = [query.get("a"), query.get("b")].filter((key): key is string => key !== null && key !== "");
  return {
    seconds: Number.isInteger(seconds) && seconds > 0 ? seconds : null,
    until: until !== null && Number.isFinite(Date.parse(until)) ? new Date(until).toISOString() : null,
    pair,
    about: route.rest[0] ?? null,
  };
}

/** The address of a request. */
export function address(request: TimelineRequest): string {
  const query = new URLSearchParams();
  if (request.seconds !== null) query.set("seconds", String(request.seconds));
  if (request.until !== null) query.set("until", request.until);
  const [a, b] = request.pair;
  if (a) query.set("a", a);
  if (b) query.set("b", b);
  const path = request.about === null ? "#/timeline" : `#/timeline/${encodeURIComponent(request.about)}`;
  return query.size > 0 ? `${path}?${query}` : path;
}

/** Seconds that are shown now. */
export function shownSeconds(view: Pick<TimelineView, "from" | "to">): number {
  return Math.max(1, Math.round((Date.parse(view.to) - Date.parse(view.from)) / 1000));
}

/** The next longer or shorter length; the same at the ends. */
export function zoomed(seconds: number, closer: boolean): number {
  const wanted = closer ? [...lengths].reverse().find((each) => each < seconds) : lengths.find((each) => each > seconds);
  return wanted ?? seconds;
}

/** The same length, earlier (-1) or later (1) by half of it; live once it reaches now. */
export function panned(view: Pick<TimelineView, "from" | "to" | "now">, by: number): { seconds: number; until: string | null } {
  const seconds = shownSeconds(view);
  const until = Date.parse(view.to) + by * seconds * 500;
  return { seconds, until: until >= Date.parse(view.now) ? null : new Date(until).toISOString() };
}

/** Midnight of the person's day, and of the next one. */
export function dayOf(at: number): { from: number; to: number } {
  const day = new Date(at);
  day.setHours(0, 0, 0, 0);
  const from = day.getTime();
  day.setDate(day.getDate() + 1);
  return { from, to: day.getTime() };
}

/** Begins of the days there is something of, today first; at most `most`. */
export function days(firstAt: string | null, now: number, most = 60): number[] {
  const first = firstAt === null ? now : Math.min(now, Date.parse(firstAt));
  const all: number[] = [];
  let { from } = dayOf(now);
  while (all.length < most) {
    all.push(from);
    if (from <= first) break;
    from = dayOf(from - 1).from;
  }
  return all;
}
