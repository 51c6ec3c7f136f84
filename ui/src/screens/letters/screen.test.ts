// The dead letter screen as a person meets it, over letters recorded from the engine.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import type { LetterAction } from "../../api/generated/LetterAction";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import { backend, CallError } from "../../api/backend";
import Letters from "./Letters.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

const price = "#/dead-letters/press-host/artifacts/price-page";
const list = () => document.querySelector<HTMLElement>('[role=option][tabindex="0"]');

test("causes stand with how often they came, and the place that is wrong is marked in the output", async () => {
  await opened(Letters, { route: "#/dead-letters" });
  await says("4 outputs refused, 3 for the same reason");
  await says("about four kilobytes");
  const wrong = [...document.querySelectorAll(".tree .wrong")].map((row) => row.textContent?.replace(/\s+/g, " "));
  expect(wrong).toHaveLength(1);
  expect(wrong[0]).toMatch(/sizeBytes.*Expected a whole number/);
});

test("a member that is missing stands where it should be, with every other place that is wrong", async () => {
  await opened(Letters, { route: price });
  await says("not there");
  expect(document.querySelectorAll(".tree .wrong")).toHaveLength(3);
  expect(page()).toContain("schemas/page.json");
  expect(page()).toContain("Publish the price page");
});

test("nothing is done by the first press, and a discarded one asks why", async () => {
  const { asked } = await opened(Letters, { route: "#/dead-letters" });
  await says("about four kilobytes");
  list()?.focus();
  await press("4");
  await says("Puts it away with your reason");
  const act = button("Do this") as HTMLButtonElement;
  expect(act.disabled).toBe(true);
  await fireEvent.input(document.querySelector("footer input.field") as Element, { target: { value: "Not needed" } });
  await settled();
  expect(asked("actOnLetters")).toEqual([]);
  await fireEvent.click(button("Do this"));
  await says("It is noted.");
  expect(asked("actOnLetters")).toMatchObject([{ way: "discard", reason: "Not needed", cancel: false }]);
});

test("what the endpoint does not take is a text, called sent only when the person says so", async () => {
  const { asked } = await opened(Letters, { route: price });
  await says("not there");
  list()?.focus();
  await press("1");
  await says("Mission Control cannot say this to publisher. Send it yourself:");
  await says("Correct it and send it again under the same id.");
  await fireEvent.click(button("I have sent it"));
  await says("Sent back");
  expect(asked("actOnLetters")).toMatchObject([{ way: "return", byText: true }]);
});

test("a text that cannot be copied is marked, and says so", async () => {
  await opened(Letters, { route: price });
  await says("not there");
  list()?.focus();
  await press("1");
  await says("Send it yourself:");
  vi.stubGlobal("navigator", { ...navigator, clipboard: undefined });
  await fireEvent.click(button("Copy"));
  await says("The clipboard cannot be reached. The text is marked");
  vi.unstubAllGlobals();
  expect(getSelection()?.toString()).toContain("under the same id.");
});

test("what is open says when it could not be read again, with the time of what is shown", async () => {
  await opened(Letters, { route: price });
  await says("not there");
  const call = vi.mocked(backend.call);
  const answers = call.getMockImplementation();
  call.mockImplementation((name, request) =>
    name === "deadLetter" || !answers ? Promise.reject(new CallError("store", "The store did not answer.")) : answers(name, request),
  );
  await backend.call("actOnLetters", { letters: [], way: "discard", reason: null, corrected: null, cancel: false, byText: false });
  await says(/The store did not answer\. ?Showing the state of \d\d:\d\d/);
  expect(page()).toContain("Correct it and send it back");
});

test("a form asks for each place that is wrong, and only what fits goes on", async () => {
  const { asked } = await opened(Letters, { route: "#/dead-letters" });
  await says("about four kilobytes");
  list()?.focus();
  await press("2");
  await says("sizeBytes");
  const field = document.querySelector<HTMLInputElement>("footer input.field");
  await fireEvent.input(field as Element, { target: { value: "four" } });
  await fireEvent.blur(field as Element);
  await says("A whole number.");
  await fireEvent.click(button("Look at the correction"));
  expect(asked("draftLetter")).toEqual([]);
  await fireEvent.input(field as Element, { target: { value: "4096" } });
  await settled();
  await fireEvent.click(button("Look at the correction"));
  await says(/Send this instead of your artifact/);
  expect(asked("draftLetter")).toMatchObject([{ fixes: '{"sizeBytes":4096}', text: null }]);
  await fireEvent.click(button("I have sent it"));
  await says("Sent back corrected");
});

test("letters of one cause are handled together, each with its own outcome", async () => {
  const { asked } = await opened(Letters, { route: "#/dead-letters" });
  await says("about four kilobytes");
  list()?.focus();
  expect(keysNow()).toContain("Choose for doing the same with several");
  await press("X", { shiftKey: true });
  await says("3 chosen");
  await press("4");
  await fireEvent.input(document.querySelector("footer input.field") as Element, { target: { value: "A test run" } });
  await settled();
  await fireEvent.click(button("Do this"));
  await settled();
  const { letters } = asked("actOnLetters")[0] as LetterAction;
  expect(letters).toHaveLength(3);
  for (const letter of letters) expect(letter.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  await says("3 chosen");
  expect(page()).not.toContain("could not be done");
});

test("nothing refused says so, and a refused answer keeps what was shown", async () => {
  await opened(Letters, { fleet: "empty", route: "#/dead-letters" });
  await says("Nothing is refused");
  close();
  await opened(Letters, { state: "stale", route: "#/dead-letters" });
  await says("about four kilobytes");
  await says(/Showing the state of \d\d:\d\d/);
  expect(page()).toContain("price-page");
});
