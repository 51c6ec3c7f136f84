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
  await says("Ask these 8 ports");
  expect(page()).toContain("Nothing is asked until you say so.");
  expect(asked("discover")).toEqual([]);
  await fireEvent.click(document.querySelector("input[type=checkbox]") as Element);
  await fireEvent.click(button("Ask these 7 ports"));
  await says("2 of 7 ports answered");
  expect((asked("discover")[0] as { ports: number[] }).ports).not.toContain(2024);
  expect([...document.querySelectorAll<HTMLInputElement>("input[type=checkbox]")].some((box) => box.checked)).toBe(false);
  expect(asked("addEndpoint")).toEqual([]);
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
