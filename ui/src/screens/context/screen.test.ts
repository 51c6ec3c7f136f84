// The context screen as a person meets it, over documents recorded from the engine.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import Context from "./Context.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

test("who has not read what was decided is named, and that it went on all the same", async () => {
  await opened(Context, { route: "#/context" });
  await says("Two statements about prices contradict each other");
  await says("up to 4 of 9");
  await says(/has not read 6, 7, 9 and has written since, at \d\d:\d\d/);
  await says("up to 9 of 9, has read all");
});

test("what it is for and what must hold stands above, and a superseded entry is struck", async () => {
  await opened(Context, { route: "#/context" });
  await says("A shop page that a customer trusts at first sight.");
  expect(page()).toContain("Publish only after the legal tick.");
  expect(document.querySelectorAll(".entry.gone")).toHaveLength(1);
  expect(page()).toContain("superseded by 6");
  expect(document.querySelectorAll(".entry")).toHaveLength(9);
});

test("contradicting statements are settled with an entry that is shown exactly before anything is kept", async () => {
  const { asked } = await opened(Context, { route: "#/context" });
  await says("What holds of prices?");
  expect(keysNow()).toContain("Settle it");
  await press("s");
  await says("What holds from now on");
  const sentence = document.querySelector<HTMLInputElement>(".conflict input.field");
  expect(sentence?.value).toContain("with tax");
  await fireEvent.input(sentence as Element, { target: { value: "Prices are shown with tax everywhere." } });
  await settled();
  await fireEvent.click(button("Look at the entry"));
  await says("Append exactly this");
  expect(asked("settleContext")).toMatchObject([{ key: "prices", value: '"gross"', record: false }]);
  await fireEvent.click(button("I have sent it"));
  await says("It is kept.");
  expect(asked("settleContext")).toHaveLength(2);
  expect(asked("settleContext")[1]).toMatchObject({ record: true, byText: true });
});

test("nothing shared says how it comes to be, and a refused answer keeps what was shown", async () => {
  await opened(Context, { fleet: "empty", route: "#/context" });
  await says("Documents appear when an agent says what was agreed");
  close();
  await opened(Context, { state: "stale", route: "#/context" });
  await says("What holds of prices?");
  await says(/Showing the state of \d\d:\d\d/);
});
