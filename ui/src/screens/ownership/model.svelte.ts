// The ownership screen's state: the view, the draft as the last edit answered it, and edits one after the other. What
// an edit does and what is wrong is the host's; nothing is worked out here.
import { backend, CallError } from "../../api/backend";
import type { DraftView } from "../../api/generated/DraftView";
import type { EditView } from "../../api/generated/EditView";
import type { LintView } from "../../api/generated/LintView";
import type { Ownership } from "../../api/generated/Ownership";
import type { OwnershipView } from "../../api/generated/OwnershipView";
import type { Live } from "../../api/live.svelte";

export type Edit = Partial<EditView> & { kind: string };

export class OwnershipModel {
  #live: Live<"ownership">;
  /** The draft as the last edit answered it; the next view takes its place. */
  #edited = $state.raw<{ draft: DraftView | null; of: OwnershipView } | undefined>();
  #queue: Promise<unknown> = Promise.resolve();
  /** Why the last edit was not done. */
  refused = $state("");

  constructor(live: Live<"ownership">) {
    this.#live = live;
  }

  get view(): OwnershipView | undefined {
    return this.#live.value;
  }

  get draft(): DraftView | null {
    const view = this.view;
    return this.#edited && this.#edited.of === view ? this.#edited.draft : (view?.draft ?? null);
  }

  get lint(): LintView | undefined {
    return this.draft?.lint ?? this.view?.lint;
  }

  get document(): Ownership | undefined {
    return this.draft?.document ?? this.view?.document;
  }

  /** Edits in the order given, each after the one before; the first that is refused ends them and says why. */
  edit(...edits: Edit[]): Promise<boolean> {
    return this.#then(async () => {
      for (const edit of edits) {
        const whole = { rule: null, agent: null, value: null, exception: null, ...edit };
        this.#show(await backend.call("editDraft", whole), edit.kind === "discard");
      }
    });
  }

  /** The rules that cover a resource, as their places in the document. */
  async rulesOf(resource: string): Promise<readonly number[]> {
    try {
      return (await backend.call("ruledBy", { resource })).rules;
    } catch (thrown) {
      this.refused = CallError.from(thrown).message;
      return [];
    }
  }

  import(text: string): Promise<boolean> {
    return this.#then(async () => this.#show(await backend.call("importOwnership", { text }), false));
  }

  restore(revision: number): Promise<boolean> {
    return this.#then(async () => this.#show(await backend.call("restoreVersion", { revision }), false));
  }

  /** Throws the refusal, so that the sheet can show it and act on its code. */
  async save(baseRevision: number, sentence: string): Promise<void> {
    await this.#queue;
    await backend.call("saveDraft", { baseRevision, sentence: sentence.trim() || null });
    await this.#live.ask();
  }

  /** Asks the host anew. */
  again(): Promise<void> {
    return this.#live.ask();
  }

  #show(draft: DraftView, gone: boolean): void {
    const view = this.view;
    if (view) this.#edited = { draft: gone ? null : draft, of: view };
  }

  #then(work: () => Promise<void>): Promise<boolean> {
    const done = this.#queue.then(async () => {
      try {
        await work();
        this.refused = "";
        return true;
      } catch (thrown) {
        this.refused = CallError.from(thrown).message;
        return false;
      }
    });
    this.#queue = done;
    return done;
  }
}
