// Renders a screen over answers recorded from the engine, for the screens' own tests: what it asks of the host is kept,
// keys are listened to, and all is taken down by the function it answers.
import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick, type Component } from "svelte";
import { expect, vi } from "vitest";
import { backend } from "../src/api/backend";
import { fake } from "../src/api/fake";
import { listed, start } from "../src/keys";
import { router } from "../src/router.svelte";

export type Opened = { calls: [string, unknown][]; asked: (name: string) => unknown[] };

type Scene = { fleet?: string; state?: string; route?: string; told?: (name: string, answer: unknown) => void };

/** `fleet` and `state` as in the fake; `route` is the hash the window stands at; `told` may change what is answered. */
export async function opened(screen: Component, { fleet = "office", state = "", route = "", told }: Scene = {}): Promise<Opened> {
  const recorded = fake(fleet, state);
  const calls: [string, unknown][] = [];
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(900);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1000);
  vi.spyOn(backend, "call").mockImplementation((name, request) => {
    calls.push([name, request]);
    const answer = recorded.call(name, request);
    if (told) return answer.then((view) => (told(name, view), view));
    return answer;
  });
  vi.spyOn(backend, "onChanged").mockImplementation((listener) => recorded.onChanged(listener));
  router.go(route === "" ? "#/" : route, true);
  const ends = [start()];
  render(screen);
  closers.push(() => {
    for (const end of ends) end();
    cleanup();
  });
  await settled();
  return { calls, asked: (name) => calls.filter(([each]) => each === name).map(([, request]) => request) };
}

const closers: (() => void)[] = [];

/** To be called after each test. */
export function close(): void {
  for (const end of closers.splice(0)) end();
}

/** Waits until the recorded answers, which come from files, are drawn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) {
    await new Promise((done) => setTimeout(done, 0));
    await tick();
  }
}

/** Waits until `words` stand on the page. */
export async function says(words: string | RegExp): Promise<void> {
  await vi.waitFor(() => expect(document.body.textContent?.replace(/\s+/g, " ")).toMatch(words), { timeout: 8000 });
}

export function page(): string {
  return document.body.textContent?.replace(/\s+/g, " ") ?? "";
}

export function button(words: string): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>("button")].find((each) => each.textContent?.trim().startsWith(words));
  if (!found) throw new Error(`There is no button ${words}.`);
  return found;
}

export async function press(key: string, init: KeyboardEventInit = {}): Promise<void> {
  await fireEvent.keyDown(document.activeElement ?? document.body, { key, bubbles: true, ...init });
  await settled();
}

/** Words of the keys in force now, as the palette and the key sheet list them. */
export function keysNow(): string[] {
  return listed().map((binding) => binding.label);
}
