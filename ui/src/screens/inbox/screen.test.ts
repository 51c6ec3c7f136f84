// The inbox as a person meets it, over answers recorded from the engine: a question that is asked again after its answer,
// and the two ways on by their keys.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { close, opened, page, press, says } from "../../../tests/opened";
import Inbox from "./Inbox.svelte";

vi.setConfig({ testTimeout: 30_000 });
const again = { fleet: "trouble", route: "#/inbox/e%3Aissue-desk%2Fclose-412" };

// There is no layout here; the end of what is opened is in view.
class InView {
  constructor(private readonly seen: (entries: { isIntersecting: boolean }[]) => void) {}
  observe(): void {
    queueMicrotask(() => this.seen([{ isIntersecting: true }]));
  }
  disconnect(): void {}
}

beforeEach(() => {
  vi.stubGlobal("IntersectionObserver", InView);
});
afterEach(() => {
  close();
  vi.unstubAllGlobals();
});

/** Presses a key until the page says something: what was opened just now is not answered at once. */
async function until(key: string, words: string | RegExp): Promise<void> {
  await vi.waitFor(
    async () => {
      await press(key);
      expect(page()).toMatch(words);
    },
    { timeout: 8000, interval: 250 },
  );
}

test("a question of one that uses the name of another agent says so above all that is shown", async () => {
  const sentence = "It calls itself issues, but in your rules that name belongs to an agent of Office. This one has none of its rights.";
  const told = (name: string, answer: unknown): void => {
    if (name === "escalation") Object.assign(answer as object, { impostor: sentence });
  };
  await opened(Inbox, { ...again, told });
  await says(sentence);
});

test("a question that is asked again says since when, what was answered, and is marked in the list", async () => {
  await opened(Inbox, again);
  await says(
    /Agent of issue-desk asks again since \d\d?:\d\d.*; your answer may be lost: send the same answer, or answer anew\./,
  );
  expect(document.querySelector(".again dl")?.textContent).toContain("Approved");
  expect(document.querySelector("[data-region=list], [role=listbox], .side")?.textContent ?? page()).toContain("Asks again");
  expect(page()).toContain("asks the same again");
});

test("the same answer takes the gesture that the action demands, and names what it repeats", async () => {
  const { asked } = await opened(Inbox, again);
  await says("asks again since");
  document.querySelector<HTMLElement>("[data-region=detail] h2")?.focus();
  await until("s", "Send the same answer: press again");
  expect(asked("decide")).toHaveLength(0);
  await vi.waitFor(
    async () => {
      await press("s");
      expect(asked("decide")).toHaveLength(1);
    },
    { timeout: 8000, interval: 250 },
  );
  expect(asked("decide")[0]).toMatchObject({ outcome: "approve", reachedEnd: true, editedAction: null });
  expect((asked("decide")[0] as { repeats?: string }).repeats).toMatch(/^01890000-/);
});

test("an answer anew repeats nothing, and arming the one does not arm the other", async () => {
  const { asked } = await opened(Inbox, again);
  await says("asks again since");
  document.querySelector<HTMLElement>("[data-region=detail] h2")?.focus();
  await until("s", "Send the same answer: press again");
  await until("a", "Approve issue.close: press again");
  expect(page()).not.toContain("Send the same answer: press again");
  expect(asked("decide")).toHaveLength(0);
  await vi.waitFor(
    async () => {
      await press("a");
      expect(asked("decide")).toHaveLength(1);
    },
    { timeout: 8000, interval: 250 },
  );
  expect(asked("decide")[0]).not.toHaveProperty("repeats");
});
