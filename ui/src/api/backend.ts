// The one way the screens talk to the host: one typed command call and one event saying what became stale.
// It holds no state and knows no screen. Only `tauri.ts` knows the shell; `fake.ts` serves recorded views in a browser.
import type { Changed } from "./generated/Changed";
import type { Commands } from "./generated/commands";
import { CallError } from "./call-error";
import { fake } from "./fake";
import { tauri } from "./tauri";

export { CallError };

export type Name = keyof Commands;
export type Request<K extends Name> = Commands[K][0];
export type Answer<K extends Name> = Commands[K][1];

export interface Backend {
  call<K extends Name>(name: K, request: Request<K>): Promise<Answer<K>>;
  /** Calls back after every change; answers the function that stops it. */
  onChanged(listener: (changed: Changed) => void): () => void;
}

// The app's own bundle has no recorded views in it: the build drops what is behind the mode.
export const backend: Backend =
  import.meta.env.MODE === "production" || "__TAURI_INTERNALS__" in globalThis ? tauri() : fake();
