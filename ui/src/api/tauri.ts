// The host behind the window. The only file that may import @tauri-apps (tests/imports.test.ts checks it).
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Backend } from "./backend";
import { CallError } from "./call-error";
import type { Changed } from "./generated/Changed";

export function tauri(): Backend {
  return {
    async call(name, request) {
      try {
        return await invoke("call", { name, payload: request });
      } catch (thrown) {
        throw CallError.from(thrown);
      }
    },
    onChanged(listener) {
      let stopped = false;
      let unlisten: (() => void) | undefined;
      listen<Changed>("changed", (event) => listener(event.payload)).then(
        (stop) => {
          if (stopped) stop();
          else unlisten = stop;
        },
        // Without the event the screens would only be stale; each one says from when it is.
        () => undefined,
      );
      return () => {
        stopped = true;
        unlisten?.();
      };
    },
  };
}
