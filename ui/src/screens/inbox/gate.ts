// When a press may decide. Pure: times are parameters in milliseconds, nothing is drawn and nothing is sent. The host
// checks version and bytes again; this keeps a hurried or held hand from deciding what nobody has read.
import type { GestureView } from "../../api/generated/GestureView";

/** On screen at least this long before an outward or destructive answer can be armed. */
export const READ_MS = 800;
/** On screen at least this long before anything is answered: the second tap of a double tap meets the next item. */
export const MEET_MS = 300;
/** After arming, the second press counts from here. */
export const SECOND_MS = 600;
/** After arming something destructive, holding counts from here. */
export const REREAD_MS = 5000;
/** How long a hold lasts. */
export const HOLD_MS = 1200;
/** Content that changed under the hand is not answered for this long. */
export const STEADY_MS = 1000;
/** An armed answer that nobody finishes is let go. */
export const ARMED_MS = 60_000;

export type Gate = {
  /** What is rendered: endpoint, escalation, version, bytes, and the edited text if there is one. */
  readonly bound: string;
  /** Milliseconds on screen before `since`. */
  readonly shownMs: number;
  /** On screen since; `undefined` while the window is hidden. */
  readonly since: number | undefined;
  /** Whether the end of the content has been in view, since it was opened or armed for the second reading. */
  readonly reachedEnd: boolean;
  /** Nothing is answered before. */
  readonly steadyFrom: number;
  readonly armed: { readonly gesture: string; readonly at: number } | undefined;
};

export type Verdict =
  | { kind: "act" }
  | { kind: "armed" }
  /** The button has to be held, or the name typed. */
  | { kind: "hold" }
  | { kind: "wait"; why: "unread" | "early" | "changed" | "again"; ms: number };

export function opened(bound: string, now: number, visible = true): Gate {
  return {
    bound,
    shownMs: 0,
    since: visible ? now : undefined,
    reachedEnd: false,
    steadyFrom: now + MEET_MS,
    armed: undefined,
  };
}

/** Other content than before: everything begins anew, and for a second nothing is answered. */
export function rebound(gate: Gate, bound: string, now: number): Gate {
  if (bound === gate.bound) return gate;
  return { ...opened(bound, now, gate.since !== undefined), steadyFrom: now + STEADY_MS };
}

export function visible(gate: Gate, shown: boolean, now: number): Gate {
  if (shown === (gate.since !== undefined)) return gate;
  // Hiding the window lets go of what was armed: nobody has read on meanwhile.
  return shown
    ? { ...gate, since: now }
    : { ...gate, since: undefined, shownMs: shownFor(gate, now), armed: undefined };
}

export function seenEnd(gate: Gate): Gate {
  return gate.reachedEnd ? gate : { ...gate, reachedEnd: true };
}

export function letGo(gate: Gate): Gate {
  return gate.armed ? { ...gate, armed: undefined } : gate;
}

export function shownFor(gate: Gate, now: number): number {
  return gate.shownMs + (gate.since === undefined ? 0 : Math.max(0, now - gate.since));
}

/** The name of a gesture among those of one item. */
export function nameOf(gesture: GestureView): string {
  return `${gesture.outcome}/${gesture.optionId ?? ""}${gesture.repeats ? `/${gesture.repeats}` : ""}`;
}

/** Our own no needs no reading; what an agent calls a no among its choices is read like a yes. */
export function saysNo(gesture: GestureView): boolean {
  return !gesture.reads && (gesture.outcome === "reject" || gesture.outcome === "cancel");
}

export function isArmed(gate: Gate, gesture: GestureView, now: number): boolean {
  return gate.armed?.gesture === nameOf(gesture) && now - gate.armed.at <= ARMED_MS;
}

function needsReading(gesture: GestureView): boolean {
  return gesture.reads || gesture.arm || gesture.hold || gesture.outcome === "edit";
}

/** One press of the key or button. */
export function press(gate: Gate, gesture: GestureView, now: number): { gate: Gate; verdict: Verdict } {
  const wait = (why: (Verdict & { kind: "wait" })["why"], ms: number) => ({
    gate,
    verdict: { kind: "wait", why, ms } as const,
  });
  if (now < gate.steadyFrom) return wait("changed", gate.steadyFrom - now);
  if (saysNo(gesture)) return { gate, verdict: { kind: "act" } };
  if (needsReading(gesture) && !gate.reachedEnd) return wait("unread", 0);
  if (!gesture.arm && !gesture.hold) return { gate, verdict: { kind: "act" } };
  const shown = shownFor(gate, now);
  if (shown < READ_MS) return wait("early", READ_MS - shown);
  if (!isArmed(gate, gesture, now)) {
    return {
      // Something destructive is read a second time, so its end has to come into view again.
      gate: { ...gate, armed: { gesture: nameOf(gesture), at: now }, reachedEnd: gate.reachedEnd && !gesture.hold },
      verdict: { kind: "armed" },
    };
  }
  const since = now - (gate.armed?.at ?? now);
  const least = gesture.hold ? REREAD_MS : SECOND_MS;
  if (since < least) return wait("again", least - since);
  return { gate, verdict: { kind: gesture.hold ? "hold" : "act" } };
}

/** The button was held for `heldMs`, until `now`. */
export function held(gate: Gate, gesture: GestureView, heldMs: number, now: number): boolean {
  return heldMs >= HOLD_MS && press(gate, gesture, now).verdict.kind === "hold";
}
