// The inbox's own sentences. What an item is about comes from the host.
import { whole } from "../../text";
import type { Verdict } from "./gate";

const seconds = (ms: number) => `${Math.max(0.1, Math.ceil(ms / 100) / 10).toFixed(1)} s`;

export const words = {
  list: "What needs you",
  newItems: (count: number) => (count === 1 ? "1 new" : `${count} new`),
  showNew: "Show new items",
  nothing: "Nothing needs you.",
  nothingChosen: "Choose an item to see it whole.",
  settled: "Settled",
  overdue: "overdue",
  left: "left",
  then: (what: string) => `then: ${what}`,
  says: (agent: string) => `What ${agent} says`,
  ifApproved: "If approved",
  undoable: "Can it be undone?",
  touches: "Touches",
  owned: (owner: string | null) => (owner ? `owner ${owner}` : "nobody owns it"),
  touchesNothing: "Nothing we know of",
  ruleBroken: "Rule broken",
  noRule: "None",
  blocks: "Waits for it",
  action: "What would be done",
  again: "Read it once more",
  command: "Command",
  folder: "Folder",
  environment: "Environment",
  target: "Target",
  args: "Arguments",
  exactly: "Exactly as received",
  size: (lines: number, characters: number) =>
    `${lines === 1 ? "1 line" : `${whole(lines)} lines`}, ${whole(characters)} signs`,
  digest: "Hash",
  version: "Version",
  end: "End of the content",
  unread: "Not read to the end yet",
  readWhole: "Read to the end",
  history: "History",
  task: "Task",
  options: "Choices",
  evidence: "Evidence",
  line: (line: number, pointer: string) => `line ${line} ${pointer}`,
  wait(verdict: Verdict & { kind: "wait" }): string {
    switch (verdict.why) {
      case "unread":
        return "Read to the end first.";
      case "early":
        return `Look at it a moment longer, ${seconds(verdict.ms)}.`;
      case "changed":
        return `This has just come up or changed. Wait ${seconds(verdict.ms)}.`;
      case "again":
        return `Not yet, ${seconds(verdict.ms)}.`;
    }
  },
  armed: (effect: string) => `${effect} Press again to do it, Esc to let go.`,
  armedHold: (effect: string) => `${effect} Read it once more, then hold the button. Esc lets go.`,
  armedType: (effect: string) => `${effect} Read it once more, then type the name below. Esc lets go.`,
  changed: "The content changed. What you had armed was let go.",
  pressAgain: (label: string) => `${label}: press again`,
  holdIn: (label: string, ms: number) => `${label}: hold in ${Math.ceil(ms / 1000)} s`,
  holdNow: (label: string) => `${label}: hold`,
  holding: (ms: number) => `Release to cancel, ${seconds(ms)}`,
  holdHint: (label: string) => `${label}, then hold`,
  reason: "Why? The agent gets these words.",
  reasonField: "Reason",
  reasons: ["Not now", "Wrong target", "Ask the owner first"],
  send: "Send",
  cancel: "Back",
  answerField: "Your answer",
  edit: "Change the action",
  yourChange: "Your change against what was proposed",
  yourVersion: "This is your version. The agent gets it whole, as JSON.",
  check: "Look at the change",
  keepEditing: "Change it further",
  unchanged: "Nothing is changed yet.",
  tooLarge: "This is too large to edit here.",
  deciding: "Storing your decision",
  shows: (state: string) => state,
  undo: "Undo",
  leaves: (ms: number) => `leaves in ${Math.ceil(ms / 1000)} s`,
  states: {
    held: "Held",
    queued: "Waits to be sent",
    sending: "Being sent",
    sent: "Sent, not confirmed yet",
    applied: "Taken, effect seen",
    "already-resolved": "Somebody else was first",
    refused: "The agent refused it",
    expired: "Too late",
    changed: "The question changed",
    unknown: "Cannot be told",
  },
  phases: {
    pending: "",
    answered: "You answered this.",
    expired: "The time passed. It was not approved.",
    withdrawn: "The agent took this back.",
    superseded: "A newer version took its place.",
  },
  attempts: (count: number) => (count === 1 ? "1 attempt" : `${count} attempts`),
  nextAttempt: "next",
  risk: {
    reversible: "Can be taken back",
    outward: "Leaves this computer",
    destructive: "Cannot be taken back",
  },
  snooze: "Snooze",
  snoozeHour: "Snooze for 1 hour",
  snoozeMorning: "Snooze until tomorrow, 09:00",
  dismiss: "Dismiss",
  cleared: (time: string) => `Cleared at ${time}.`,
  typeName: (name: string) => `Type ${name} to go on`,
};
