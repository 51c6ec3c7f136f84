// A live query: asks once, asks again when a topic of that command changes, keeps the last good answer when a call
// fails. It never patches an answer; the host is the only truth.
import { untrack } from "svelte";
import type { Changed } from "./generated/Changed";
import { topics } from "./generated/commands";
import type { Topic } from "./generated/Topic";
import { backend, CallError, type Answer, type Name, type Request } from "./backend";

const listeners = new Set<(changed: Changed) => void>();
let stop: (() => void) | undefined;

function onChanged(listener: (changed: Changed) => void): () => void {
  stop ??= backend.onChanged((changed) => {
    for (const each of [...listeners]) each(changed);
  });
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      stop?.();
      stop = undefined;
    }
  };
}

export class Live<K extends Name> {
  /** The last good answer; stays while a newer one is asked for or refused. */
  value = $state.raw<Answer<K>>();
  /** Why the newest call failed, with `value` still showing the state before. */
  error = $state.raw<CallError>();
  /** When `value` was answered, in milliseconds. */
  at = $state(0);
  /** True after 150 ms without a first answer: time for a skeleton. */
  slow = $state(false);

  #request: () => Request<K> | undefined;
  #key = "";
  #running = false;
  #again = false;
  #stopped = false;

  constructor(
    readonly name: K,
    request: () => Request<K> | undefined,
  ) {
    this.#request = request;
  }

  /** Asks now; while a call is under way, once more after it. */
  async ask(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    do {
      this.#again = false;
      const request = this.#request();
      if (request === undefined) break;
      const key = JSON.stringify(request);
      try {
        const answer = await backend.call(this.name, request);
        // An answer to a question nobody asks any more would show one thing under another's name.
        if (key === this.#key && !this.#stopped) {
          this.value = answer;
          this.error = undefined;
          this.at = Date.now();
        }
      } catch (thrown) {
        if (key === this.#key && !this.#stopped) this.error = CallError.from(thrown);
      }
    } while (this.#again && !this.#stopped);
    this.#running = false;
  }

  /** Used by `live`. */
  follow(): () => void {
    this.#stopped = false;
    const mine: Topic[] = topics[this.name];
    return onChanged((changed) => {
      if (changed.topics.some((topic) => mine.includes(topic))) void this.ask();
    });
  }

  /** Used by `live`: a different question forgets the old answer. */
  renew(): () => void {
    const request = this.#request();
    const key = request === undefined ? "" : JSON.stringify(request);
    if (key !== this.#key) {
      const keep = this.keep;
      this.#key = key;
      if (!keep) this.value = undefined;
      this.error = undefined;
      this.slow = false;
    }
    if (request === undefined) return () => undefined;
    void this.ask();
    const timer = setTimeout(() => (this.slow = true), 150);
    return () => clearTimeout(timer);
  }

  end(): void {
    this.#stopped = true;
  }

  /** Keep showing the old answer while a different question is asked: for pages and filters of one list. */
  keep = false;
}

/**
 * Call it while a component starts. The request is read reactively: when it changes, the question is asked anew;
 * `undefined` asks nothing.
 */
export function live<K extends Name>(
  name: K,
  request: () => Request<K> | undefined,
  options: { keep?: boolean } = {},
): Live<K> {
  const query = new Live(name, request);
  query.keep = options.keep ?? false;
  $effect(() => {
    const unfollow = query.follow();
    return () => {
      query.end();
      unfollow();
    };
  });
  // Before effects of children read it, and untracked in its own state.
  $effect.pre(() => {
    request();
    return untrack(() => query.renew());
  });
  return query;
}
