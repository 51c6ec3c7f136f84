// The words of the frame, and the one place that calls `Intl`. Screens keep their own sentences in a `text.ts` beside
// them; sentences about an agent's work come from the host. Nothing here decides anything.
import { locale } from "./locale";

export const text = {
  product: "Mission Control",
  screens: {
    inbox: "Inbox",
    board: "Board",
    timeline: "Timeline",
    ownership: "Ownership",
    limits: "Limits",
    context: "Context",
    agents: "Agents",
    "dead-letters": "Dead letters",
    settings: "Settings",
    "first-run": "First run",
  },
  groups: { rules: "Rules", fleet: "Fleet" },
  search: "Search or run a command",
  running: (count: number) => `${whole(count)} running`,
  agentsAnswer: (answering: number, total: number) =>
    total === 0 ? "No agents yet" : `${whole(answering)} of ${whole(total)} agents answer`,
  lastPoll: (age: string) => `Last poll ${age} ago`,
  noPoll: "No poll yet",
  lastAnswer: (at: string) => `Last answer ${at}`,
  newInInbox: (count: number) => (count === 1 ? "1 new in the inbox" : `${whole(count)} new in the inbox`),
  title: (count: number) => (count > 0 ? `(${whole(count)}) Mission Control` : "Mission Control"),
  store: (size: string) => `Store ${size}`,
  undo: (sentence: string, left: number) => `Undo: ${sentence} (${Math.ceil(left / 1000)} s)`,
  undoNothing: "Undo: nothing to undo",
  undone: "Taken back before it was sent.",
  demo: "Demo fleet. Nothing here is real.",
  leaveDemo: "Leave the demo",
  trustClock: "This computer's clock is right",
  readOnly: (why: string) => `Read only: ${why}`,
  keys: "Keys of this screen",
  keysOff: "Single-letter keys are switched off in Settings. Keys with Ctrl or Cmd still work.",
  scopes: { anywhere: "Anywhere", screen: "This screen", list: "In a list", detail: "On the open item" },
  close: "Close",
  skip: "Go to the content",
  navigation: "Screens",
  statusLine: "Status",
  notices: "Notices",
  paletteEmpty: "Nothing found",
  paletteRefused: (why: string) => `It could not be searched. ${why}`,
  paletteHint: "Prefixes: @ agent, # task, : resource, ! decision or finding, > command",
  unknownScreen: "There is no such screen.",
  openInbox: "Open the inbox",
  back: "Last view",
  problemsOnly: "Problems only",
  loading: "Loading",
  failed: {
    title: "This could not be read",
    still: (time: string) => `Showing the state of ${time}.`,
    retry: "Try again",
    detail: "Detail",
    copy: "Copy the detail",
    copied: "Copied",
  },
  tree: { more: (count: number) => `${whole(count)} more rows without anything wrong are not drawn.` },
  ways: {
    tell: (agent: string) => `Mission Control cannot say this to ${agent}. Send it yourself:`,
    tellInstead: (agent: string) => `Or leave the question alone and send this to ${agent} yourself:`,
    copy: "Copy",
    copied: "Copied",
    marked: "The clipboard cannot be reached. The text is marked; copy it with the keys of your system.",
  },
  markdown: {
    opens: (host: string) => `Opens ${host} in your browser, after asking`,
    nowhere: "no address",
    picture: "Picture, not fetched:",
    ticked: "Done:",
    open: "Not done:",
    table: "Table",
  },
  agentText: {
    flagged: (count: number) =>
      count === 1 ? "1 hidden sign made visible" : `${whole(count)} hidden signs made visible`,
  },
  shape: {
    queued: "Queued",
    running: "Running",
    "handed-over": "Handed over",
    "needs-you": "Needs you",
    stalled: "Stopped moving",
    done: "Done",
    conflict: "Collision",
    failed: "Failed",
    paused: "Paused",
    unreachable: "No answer",
    unknown: "Unknown",
  },
};

const wholeFormat = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const clockFormat = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
const secondsFormat = new Intl.DateTimeFormat(locale, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const dayFormat = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});
const dayNameFormat = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" });
const fullFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });

/** 12345 → "12,345". */
export function whole(value: number): string {
  return wholeFormat.format(value);
}

/** 0.123 → "12 %"; the sign is set off as elsewhere in the interface. */
export function percent(share: number): string {
  return `${whole(share * 100)} %`;
}

/** 08:41, in the person's zone. */
export function time(value: string | number): string {
  return safely(clockFormat, value);
}

/** 08:41:07. */
export function timeExact(value: string | number): string {
  return safely(secondsFormat, value);
}

/** 21 Nov, 08:41. */
export function day(value: string | number): string {
  return safely(dayFormat, value);
}

/** Fri, 21 Nov. */
export function dayName(value: string | number): string {
  return safely(dayNameFormat, value);
}

/** The whole date and time, for a hover. */
export function full(value: string | number): string {
  return safely(fullFormat, value);
}

function safely(format: Intl.DateTimeFormat, value: string | number): string {
  const at = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(at) ? format.format(at) : String(value);
}

/** A length of time in one or two units: "40 s", "11 min", "3 h 10 min", "4 d". Below ten minutes with seconds. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** The same in one short unit, for a list: "40s", "11m", "3h", "4d". */
export function spanShort(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** 84 MB. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 }).format(size)} ${units[unit]}`;
}
