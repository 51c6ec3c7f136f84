// Dead letters of the recorded fleet that are handled: what is chosen is written beside the recorded one. It knows no
// rule: a correction fits when nothing of what was wrong is left in it.
import { CallError } from "./call-error";
import type { LetterAction } from "./generated/LetterAction";
import type { LetterDraft } from "./generated/LetterDraft";
import type { LetterDraftView } from "./generated/LetterDraftView";
import type { LetterOutcomes } from "./generated/LetterOutcomes";
import type { LetterState } from "./generated/LetterState";
import type { LettersView } from "./generated/LettersView";
import type { LetterView } from "./generated/LetterView";

type Answers = Record<string, unknown>;

const states: Record<string, LetterState> = {
  return: "returned",
  resubmit: "resubmitted",
  accept: "accepted",
  discard: "discarded",
};

/** Answers a command about dead letters; refuses others. */
export function answerLetters(answers: Answers, name: string, request: unknown): unknown {
  if (name === "draftLetter") return draft(answers, request as LetterDraft);
  if (name === "actOnLetters") return act(answers, request as LetterAction);
  throw new CallError("not-recorded", `Nothing was recorded for ${name}.`);
}

function opened(answers: Answers, letter: { endpoint: string; list: string; item: string }): LetterView {
  const view = answers[`deadLetter:${letter.endpoint}/${letter.list}/${letter.item}`];
  if (!view) throw new CallError("missing", "There is no such dead letter.");
  return view as LetterView;
}

function draft(answers: Answers, request: LetterDraft): LetterDraftView {
  const view = opened(answers, request);
  const item = JSON.parse(request.text ?? view.raw.text) as unknown;
  const fixes = JSON.parse(request.fixes ?? "{}") as Record<string, unknown>;
  for (const [place, value] of Object.entries(fixes)) put(item, place.split("/"), value);
  const text = request.text ?? JSON.stringify(item);
  const same = text === view.raw.text;
  return {
    text,
    problems: same ? view.problems : [],
    does: [],
    tells: [{ agent: view.agent, text: `Send this instead of your ${view.what} ${view.item}, under the same id:\n${text}` }],
  };
}

function put(into: unknown, path: string[], value: unknown): void {
  const [name = "", ...rest] = path;
  const holder = into as Record<string, unknown>;
  if (rest.length === 0) holder[name] = value;
  else put(holder[name], rest, value);
}

function act(answers: Answers, request: LetterAction): LetterOutcomes {
  const state = states[request.way] ?? "waits";
  const outcomes = request.letters.map((letter) => {
    const key = `${letter.endpoint}/${letter.list}/${letter.item}`;
    const view = opened(answers, letter);
    const changed = letter.digest === view.digest ? null : "It has come again with other content. Look at it again; nothing was done.";
    const problem = changed ?? view.ways.find((way) => way.id === request.way)?.problem ?? null;
    if (problem !== null) return { key, did: [], problem };
    const at = new Date().toISOString();
    answers[`deadLetter:${key}`] = { ...view, state, stateAt: at, stateSentence: "Handled in this recording." } satisfies LetterView;
    settle(answers, key, state);
    return { key, did: ["It is noted."], problem: null };
  });
  return { outcomes };
}

function settle(answers: Answers, key: string, state: LetterState): void {
  const all = answers["deadLetters"] as LettersView;
  const gone = state === "accepted" || state === "discarded";
  const groups = all.groups
    .map((group) => {
      const letters = group.letters
        .filter((letter) => !(gone && letter.key === key))
        .map((letter) => (letter.key === key ? { ...letter, state } : letter));
      return { ...group, letters, count: group.count - (group.letters.length - letters.length) };
    })
    .filter((group) => group.count > 0);
  answers["deadLetters"] = { ...all, groups, count: groups.reduce((sum, group) => sum + group.count, 0) } satisfies LettersView;
}
