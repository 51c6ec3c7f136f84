// Plays back an editing of the rules as the engine answered it: every command in the order it was recorded, and nothing
// that was not. It knows no rule; it only remembers where in the recording the person is.
import { CallError } from "./call-error";
import type { DraftView } from "./generated/DraftView";
import type { ExportRequest } from "./generated/ExportRequest";
import type { ExportView } from "./generated/ExportView";
import type { OwnershipView } from "./generated/OwnershipView";

/** One command: from which state to which, with the draft after it, the whole view, or why it was refused. */
type Step = {
  from: number;
  to?: number;
  command: string;
  request: unknown;
  title?: string;
  draft?: DraftView;
  view?: OwnershipView;
  error?: { code: string; message: string };
};

export class RecordedRules {
  #at = 0;

  /** The answer, or `undefined` for a command that is not about the rules. */
  answer(answers: Record<string, unknown>, name: string, request: unknown): unknown {
    switch (name) {
      case "exportOwnership": {
        const { format, save } = request as ExportRequest;
        const view = found(answers, `exportOwnership:${format}`) as ExportView;
        return { ...view, path: save ? `/home/you/mission-control/exports/${view.fileName}` : null } satisfies ExportView;
      }
      case "ownershipVersion":
        return found(answers, `ownershipVersion:${(request as { revision: number }).revision}`);
      case "editDraft":
      case "importOwnership":
      case "restoreVersion":
      case "saveDraft":
        return this.#step(answers, name, request);
      default:
        return undefined;
    }
  }

  #step(answers: Record<string, unknown>, name: string, request: unknown): unknown {
    const steps = Object.keys(answers).flatMap((key) => (key.startsWith("ownership-step-") ? [answers[key] as Step] : []));
    const step = steps.find((each) => each.from === this.#at && each.command === name && same(each.request, request));
    if (!step) throw new CallError("not-recorded", "This edit is not in the recording.");
    if (step.error) throw new CallError(step.error.code, step.error.message);
    this.#at = step.to ?? this.#at;
    const before = answers["ownership"] as OwnershipView;
    const draft = step.draft ?? null;
    answers["ownership"] = step.view ?? { ...before, title: step.title ?? before.title, draft };
    return step.view ?? draft ?? blank(before);
  }
}

/** A draft that changes nothing: what discarding is answered with. */
function blank(view: OwnershipView): DraftView {
  return { baseRevision: view.revision, document: view.document, lint: view.lint, summary: "", canUndo: null, canRedo: null };
}

/** Equal as JSON, whatever the order of members. */
function same(one: unknown, other: unknown): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(value, (_, each: unknown) =>
      each && typeof each === "object" && !Array.isArray(each) ? Object.fromEntries(Object.entries(each).sort()) : each,
    );
  return sorted(one) === sorted(other);
}

function found(answers: Record<string, unknown>, key: string): unknown {
  if (!(key in answers)) throw new CallError("not-recorded", `Nothing was recorded for ${key}.`);
  return answers[key];
}
