// The first run as a person meets it: nothing is asked of anybody before a yes.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import FirstRun from "./FirstRun.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

test("the ports are shown first and asked only after a yes; what answers is not ticked", async () => {
  const { asked } = await opened(FirstRun, { fleet: "empty" });
  await press("l");
  await says("Ask these 9 ports");
  expect(page()).toContain("Nothing is asked until you say so.");
  expect(asked("discover")).toEqual([]);
  await fireEvent.click(document.querySelector("input[type=checkbox]") as Element);
  await fireEvent.click(button("Ask these 8 ports"));
  await says("3 of 8 ports answered");
  expect((asked("discover")[0] as { ports: number[] }).ports).not.toContain(2024);
  expect([...document.querySelectorAll<HTMLInputElement>("input[type=checkbox]")].some((box) => box.checked)).toBe(false);
  expect(asked("addEndpoint")).toEqual([]);
});

test("what wants a login is listed without a tick, and goes on in the form with a name and a password", async () => {
  const { asked } = await opened(FirstRun, { fleet: "empty" });
  await press("l");
  await says("Ask these 9 ports");
  await fireEvent.click(button("Ask these 9 ports"));
  await says("It asks for a user name and a password.");
  expect(document.querySelectorAll("input[type=checkbox]")).toHaveLength(2);
  await fireEvent.click(button("Add it with a login"));
  await settled();
  expect((document.activeElement as HTMLInputElement).value).toBe("http://127.0.0.1:4096/");
  expect(document.querySelector<HTMLInputElement>("input[type=radio][value=basic]")?.checked).toBe(true);
  expect(asked("addEndpoint")).toEqual([]);
});

test("lines that a server printed can be pasted as they are", async () => {
  const { asked } = await opened(FirstRun, { fleet: "empty" });
  await press("a");
  const field = document.activeElement as HTMLInputElement;
  const lines = "INFO:     Waiting.\nINFO:     Uvicorn running on http://127.0.0.1:8120 (Press CTRL+C to quit)\n";
  await fireEvent.paste(field, { clipboardData: { getData: () => lines } });
  expect(field.value).toBe(lines.trim().replace("\n", " "));
  await fireEvent.submit(field.form as HTMLFormElement);
  await says("It does not report limits");
  expect(asked("probe")).toMatchObject([{ url: field.value }]);
});

test("the demo fleet starts by a key, and while it runs can be left", async () => {
  const empty = await opened(FirstRun, { fleet: "empty" });
  expect(keysNow()).toContain("Try the demo fleet");
  await press("t");
  expect(empty.asked("startDemo")).toHaveLength(1);
  close();
  const story = await opened(FirstRun, { fleet: "story" });
  await says("The demo fleet runs");
  await fireEvent.click(button("Leave the demo"));
  await settled();
  expect(story.asked("leaveDemo")).toHaveLength(1);
});

test("no sentence claims that anything is held back", async () => {
  await opened(FirstRun, { fleet: "empty" });
  await says("Watch only");
  expect(page()).toContain("it holds nothing back and changes nothing");
});
