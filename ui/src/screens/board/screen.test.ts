// The board as a person meets it, over a board recorded from the engine.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import Board from "./Board.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

test("20,000 tasks are counted, and only those in view are in the page", async () => {
  await opened(Board, { fleet: "large" });
  await says("3,350");
  expect(document.querySelectorAll("*").length).toBeLessThan(3000);
});

test("by one key only problems are asked for, and by another the cards are dense", async () => {
  const { asked } = await opened(Board);
  await says("Needs you");
  await press("!");
  expect(asked("board").at(-1)).toMatchObject({ problemsOnly: true });
  await press("d");
  expect(document.querySelectorAll(".card.dense").length).toBeGreaterThan(0);
});

test("what is typed is asked of the engine, and no match can be undone", async () => {
  const { asked } = await opened(Board);
  await says("Needs you");
  await fireEvent.input(document.querySelector("input[type=search]") as Element, { target: { value: "nothing like it" } });
  await vi.waitFor(() => expect(asked("board").at(-1)).toMatchObject({ filter: "nothing like it" }));
  await says("No task matches.");
  await fireEvent.click([...document.querySelectorAll("button")].find((each) => each.textContent?.includes("Show all tasks")) as Element);
  await settled();
  expect(asked("board").at(-1)).toMatchObject({ filter: "" });
});

test("an opened task says what it is and offers only what its agent can do, after a question", async () => {
  const { asked } = await opened(Board, { route: "#/board/billing-host/T-1831" });
  await says("What it touched");
  expect(keysNow()).toContain("Cancel this task");
  document.querySelector<HTMLElement>("[data-region=detail] h2")?.focus();
  await press("c");
  expect(page()).toContain("Ask its agent to cancel this task?");
  expect(asked("cancelTask")).toEqual([]);
});

test("an empty board says where tasks come from", async () => {
  await opened(Board, { fleet: "empty" });
  await says("No tasks yet. Agents that report work appear here by themselves.");
});

test("a board that cannot be read says so and offers to ask again", async () => {
  await opened(Board, { state: "error" });
  await says("The store did not answer.");
  expect(page()).toContain("Try again");
});

test("what a task made stands with its versions, and who read an older one", async () => {
  await opened(Board, { fleet: "story", route: "#/board/article-editor/art-12" });
  await says("What it made");
  await says("a newer version has come since");
  expect(page()).toMatch(/sha256:[0-9a-f]{64}/);
  await fireEvent.click(button("Show"));
  await says("# Launch article");
  expect(document.querySelector("aside h1")).toBeNull();
});
