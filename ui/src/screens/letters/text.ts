// The words of the dead letter screen. What was refused and why is the host's to say.
import type { LetterState } from "../../api/generated/LetterState";
import type { LetterView } from "../../api/generated/LetterView";
import { href } from "../../router.svelte";
import { whole } from "../../text";

const states: Record<LetterState, string> = {
  waits: "Waits for you",
  returned: "Sent back",
  resubmitted: "Sent back corrected",
  accepted: "Accepted once",
  discarded: "Put away",
  good: "Good again",
};

export const words = {
  title: "Dead letters",
  list: "What was refused",
  empty: "Nothing is refused. What an agent publishes and nobody can use appears here, with the place that is wrong.",
  seeAgents: "See the agents",
  noneMatches: "Nothing matches.",
  nothingChosen: "Choose one to see what is wrong with it.",
  states,
  group: (agent: string, what: string, rule: string) => `${agent}, ${what}, ${rule}`,
  place: (path: string) => (path === "" ? "the whole" : path),
  times: (count: number) => (count === 1 ? "" : `${whole(count)} times`),
  more: (count: number) => `${whole(count)} more of this cause are not listed`,
  chosen: (count: number) => (count === 1 ? "1 chosen" : `${whole(count)} chosen`),
  cameAgain: "Came again since you chose it",
  choose: "Choose for doing the same with several",
  chooseAll: "Choose all of this cause",
  chooseThis: "Choose this one",
  chooseAlike: (count: number) => `All ${whole(count)} of this cause`,
  notSame: "Only letters of one cause can be handled together.",
  by: "from",
  first: "First",
  last: "Last",
  came: (count: number) => (count === 1 ? "came once" : `came ${whole(count)} times`),
  output: "Output",
  outputLabel: "What was sent, with the places that are wrong",
  noTree: "It is no whole JSON, so it is shown as it came.",
  raw: "Exactly as received",
  task: "Task",
  noTask: "It belongs to no task that is known.",
  inputs: "What the task had read",
  noInputs: "It reported no reads.",
  consumers: "Waits for a good one",
  attempts: "Each time it came",
  wrongPlaces: (count: number) => (count === 1 ? "1 place wrong" : `${whole(count)} places wrong`),
  sameAsBefore: "wrong in the same way as before",
  line: (line: number) => `line ${whole(line)} of the record`,
  finding: "Open the finding",
  timeline: "See it on the timeline",
  sent: "I have sent it",
  doIt: "Do this",
  why: "Why",
  alsoCancel: "cancel",
  correct: "What should stand there",
  correctJson: "The whole item, corrected",
  check: "Look at the correction",
  checking: "Checking",
  keepEditing: "Correct it further",
  change: "Your correction against what came",
  fits: "It fits now.",
  stillWrong: "It is still wrong:",
  cancel: "Back",
  asJson: "Correct it as JSON",
  asForm: "Correct it as a form",
  failed: (count: number) => `${whole(count)} could not be done:`,
  filter: "Filter by agent, name or place",
};

/** What happened around it: around its task, or its agent where no task is known. */
export function timelineOf(letter: Pick<LetterView, "task" | "endpoint" | "agent">): string {
  return href("timeline", letter.task ? `t:${letter.task.endpoint}/${letter.task.task}` : `a:${letter.endpoint}/${letter.agent}`);
}
