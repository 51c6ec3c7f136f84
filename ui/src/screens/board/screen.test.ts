// The board as a person meets it, over a board recorded from the engine.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import { backend, CallError } from "../../api/backend";
import { router } from "../../router.svelte";
import Board from "./Board.svelte";
import { words } from "./text";

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
  await says("Launch article");
  const drawn = () => document.querySelector("aside [role=heading][aria-level='4']");
  await vi.waitFor(() => expect(drawn()?.textContent).toBe("Launch article"));
  expect(document.querySelector("aside td")?.textContent).toBe("Team");
  document.querySelector<HTMLElement>("aside h2")?.focus();
  await press("t");
  await says("# Launch article");
  expect(drawn()).toBeNull();
  await press("v");
  expect(button("Show")).toBeTruthy();
});

test("what was made last stands first, and what cannot be read is not shown as nothing made", async () => {
  await opened(Board, { route: "#/board/press-host/T-1860" });
  await says("What it made");
  const names = [...document.querySelectorAll("aside section.panel .name .agent")].map((each) => each.textContent);
  expect(names).toEqual(["Log of the build", "Summary for the digest", "What changes on Monday", "Price page"]);
  close();
  await opened(Board);
  const call = vi.mocked(backend.call);
  const answers = call.getMockImplementation();
  call.mockImplementation((name, request) =>
    name === "artifacts" || !answers ? Promise.reject(new CallError("store", "The store did not answer.")) : answers(name, request),
  );
  router.go("#/board/press-host/T-1860", true);
  await says(/What it made ?The store did not answer. ?Try again/);
});

test("each attempt at a task stands with how it ended and why", async () => {
  await opened(Board, { route: "#/board/crm-host/T-1871" });
  await says("Begun 2 times");
  expect(page()).toMatch(/Attempt 2\. ?It failed\. It took 12 minutes\..*Two contacts have one address and different owners\..*Attempt 1\. ?It failed\. It took 15 minutes\..*closed the connection/);
});

test("an output says which schema it is held to, and where a missing one is given", async () => {
  await opened(Board, { route: "#/board/press-host/T-1860" });
  await says("Does not fit schemas/page.json. It names this schema itself.");
  await says("Not checked against schemas/summary.json.");
  expect(document.querySelector("aside a[href='#/ownership/schemas/schemas%2Fsummary.json']")?.textContent).toBe("Add this schema");
});

test("columns can be agents, workflows or resources, and the card under the hand stays reachable by key", async () => {
  const { asked } = await opened(Board);
  await says("Needs you");
  const choose = async (group: string) => {
    await fireEvent.change(document.querySelector("select") as Element, { target: { value: group } });
    await settled();
    expect(asked("board").at(-1)).toMatchObject({ group });
  };
  await choose("agent");
  await says("3 open");
  expect(page()).toContain("crm-sync");
  document.querySelector<HTMLElement>("[data-card]")?.focus();
  await press("ArrowRight");
  expect(document.activeElement?.getAttribute("data-card")).not.toBe(document.querySelector("[data-card]")?.getAttribute("data-card"));
  await choose("workflow");
  await says("No workflow");
  await choose("resource");
  await says("file:shop/src/cart.rs");
  await choose("status");
  await says("Handed over");
});

test("of the columns of 50 agents only those in view are in the page", async () => {
  await opened(Board, { fleet: "large" });
  await says("3,350");
  await fireEvent.change(document.querySelector("select") as Element, { target: { value: "agent" } });
  await says("more columns are not drawn");
  expect(document.querySelectorAll("section.column").length).toBeLessThan(8);
  expect(document.querySelectorAll("*").length).toBeLessThan(3000);
});

test("by key a card's agent is asked to cancel, after a question that keeps it running by default", async () => {
  const { asked } = await opened(Board);
  await says("Needs you");
  const card = document.querySelector<HTMLElement>('[data-card="billing-host/T-1831"]');
  card?.focus();
  await press("c");
  expect(page()).toContain("to cancel it? Work already done stays done.");
  expect(document.activeElement?.textContent).toBe("Keep it running");
  await press("Escape");
  expect(page()).not.toContain("Work already done stays done.");
  document.querySelector<HTMLElement>('[data-card="billing-host/T-1831"]')?.focus();
  await press("c");
  expect(asked("cancelTask")).toEqual([]);
  await fireEvent.click(button("Ask the agent to cancel"));
  await settled();
  expect(asked("cancelTask")).toEqual([{ endpoint: "billing-host", task: "T-1831" }]);
  await says("asked to cancel");
  // It is asked once, until the agent says something else.
  expect(keysNow()).not.toContain("Ask to cancel the card");
});

test("a handed over card says to whom, and an opened task leads up and down its line", async () => {
  await opened(Board, { route: "#/board/research-host/T-1840" });
  await says("→ publish");
  await says("to publish (publisher)");
  await says("not taken yet");
});

test("an opened task leads to what it came from", async () => {
  await opened(Board, { route: "#/board/billing-host/T-1850" });
  await says("Caused by");
  expect(page()).toContain("after T-1841");
  const links = [...document.querySelectorAll("dl a")].map((link) => link.getAttribute("href"));
  expect(links).toEqual(["#/board/billing-host/T-1841", "#/board/billing-host/T-1841"]);
});

test("a task that is gone says so in words", async () => {
  await opened(Board, { route: "#/board/billing-host/T-1831" });
  await says("What it touched");
  // As the engine answers for a task it does not have.
  const known = vi.mocked(backend.call).getMockImplementation();
  vi.mocked(backend.call).mockImplementation((name, request) =>
    name === "task" ? Promise.reject(new CallError("missing", "There is no such task.")) : (known?.(name, request) as never),
  );
  router.go("#/board/billing-host/T-0", true);
  await says(words.taskGone);
});
