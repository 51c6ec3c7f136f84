// The agents screen as a person meets it, over endpoints recorded from the engine.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { button, close, keysNow, opened, page, press, says, settled } from "../../../tests/opened";
import type { AgentsView } from "../../api/generated/AgentsView";
import Agents from "./Agents.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

const rows = () => document.querySelectorAll("[role=option]").length;
const type = async (field: Element | null, words: string) => {
  await fireEvent.input(field as Element, { target: { value: words } });
  await settled();
};

test("each way of not answering has its sentence and its shape", async () => {
  await opened(Agents, { fleet: "trouble" });
  await says("3 of 7 answer");
  for (const words of ["Its answer cannot be read", "It asks for a login", "Paused by you", "It did not answer in time", "It has not been asked yet"]) {
    expect(page()).toContain(words);
  }
  const shapes = [...document.querySelectorAll("[role=option] svg.shape")].map((shape) => shape.getAttribute("aria-label"));
  expect(new Set(shapes)).toEqual(new Set(["Answers", "Cannot be read", "Wants a login", "Paused by you", "No answer", "Not asked yet"]));
});

test("who uses the name of another agent is said so in the list and where it is opened", async () => {
  const sentence = "It calls itself legal, but in your rules that name belongs to an agent of Office. This one has none of its rights.";
  const told = (name: string, answer: unknown): void => {
    const view = answer as AgentsView;
    if (name === "agents") Object.assign(view.endpoints.find((each) => each.id === "legal-desk")?.agents[0] ?? {}, { impostor: sentence });
  };
  await opened(Agents, { fleet: "trouble", route: "#/agents/legal-desk", told });
  await says(sentence);
  expect(document.querySelector("[role=option][aria-selected=true]")?.textContent).toContain("uses the name of another agent");
});

test("the list is narrowed to what was typed, and by one key to what needs a look", async () => {
  await opened(Agents, { fleet: "trouble" });
  await says("Model desk");
  await press("!");
  expect(rows()).toBe(3);
  await press("!");
  await type(document.querySelector("[data-filter]"), "legal");
  expect(rows()).toBe(1);
  await type(document.querySelector("[data-filter]"), "nobody");
  expect(page()).toContain("No endpoint matches.");
});

test("an opened endpoint says what it can and cannot do, and its actions have keys", async () => {
  const { asked } = await opened(Agents, { fleet: "trouble", route: "#/agents/legal-desk" });
  await says("It takes no edited action");
  expect(page()).toContain("Brings its questions to the inbox");
  for (const label of ["Ask now", "Pause", "Edit", "Remove", "Show the last answer as it came", "Add an agent", "Look on this computer"]) {
    expect(keysNow()).toContain(label);
  }
  document.querySelector<HTMLElement>("[role=option][aria-selected=true]")?.focus();
  await press("u");
  expect(asked("pollNow")).toEqual([{ endpoint: "legal-desk" }]);
  await press("p");
  expect(asked("editEndpoint")).toMatchObject([{ endpoint: "legal-desk", paused: true }]);
  await press("w");
  await says("schemaVersion");
});

test("removing asks first, and keeping is the filled button", async () => {
  const { asked } = await opened(Agents, { fleet: "trouble", route: "#/agents/warehouse" });
  await says("Nothing came within 10 seconds");
  await fireEvent.click(button("Remove"));
  expect(page()).toContain("Stop watching Warehouse?");
  expect(asked("removeEndpoint")).toEqual([]);
  expect(button("Keep it").className).toContain("filled");
  await fireEvent.click(button("Stop watching it"));
  await settled();
  expect(asked("removeEndpoint")).toEqual([{ endpoint: "warehouse" }]);
});

async function lookedAt(address: string) {
  const flow = await opened(Agents, { fleet: "trouble" });
  await says("Model desk");
  await press("n");
  const field = document.activeElement as HTMLInputElement;
  await type(field, address);
  await fireEvent.submit(field.form as HTMLFormElement);
  return flow;
}

test("an address is probed first and watched only after its report", async () => {
  const { asked } = await lookedAt("localhost:8120");
  await says("It does not report limits");
  expect(page()).toContain("Read the supplier invoices of the week");
  expect(asked("addEndpoint")).toEqual([]);
  await fireEvent.submit(button("Watch it").closest("form") as HTMLFormElement);
  await settled();
  expect(asked("addEndpoint")).toMatchObject([{ url: "http://localhost:8120", kind: "native", name: "invoice-reader" }]);
});

test("what is watched already is told of before it is watched again", async () => {
  await lookedAt("localhost:8124");
  await says("This address is watched already, as Warehouse.");
});

test.each([
  ["localhost:8122", "It asks for a login."],
  ["localhost:8121", "The body is HTML, not JSON."],
  ["localhost:8123", "No connection could be made."],
])("a probe of %s says why it cannot be watched", async (address, words) => {
  await lookedAt(address);
  await says(words);
  expect(() => button("Watch it")).toThrow();
});

test.each([
  ["office", "Kept in this computer's keychain", "keychain"],
  ["trouble", "There is no keychain that answers on this computer", "session"],
])("in the fleet %s a login says where it will be kept, before it is", async (fleet, words, keep) => {
  const { asked } = await opened(Agents, { fleet });
  await says("Look on this computer");
  await press("n");
  const field = document.activeElement as HTMLInputElement;
  await fireEvent.click(button("It needs a login"));
  expect(asked("loginPlaces")).toEqual([]);
  await fireEvent.click(document.querySelector("input[type=radio][value=token]") as HTMLElement);
  await says(words);
  await type(document.querySelector("input[type=password]"), "secret");
  await type(field, "localhost:8120");
  await fireEvent.submit(field.form as HTMLFormElement);
  await says("It does not report limits");
  await fireEvent.submit(button("Watch it").closest("form") as HTMLFormElement);
  await settled();
  expect(asked("addEndpoint")).toMatchObject([{ token: "secret", keep }]);
  expect(page()).not.toContain("secret");
});

test("a metrics page shows what a mapping gives before it is watched, and what is wrong with it", async () => {
  const { asked } = await opened(Agents, { fleet: "trouble" });
  await says("Look on this computer");
  await press("n");
  const field = document.activeElement as HTMLInputElement;
  await type(field, "localhost:9999");
  await fireEvent.submit(field.form as HTMLFormElement);
  await says("No limit yet. The page has 2 metrics to choose from.");
  const fields = document.querySelectorAll("fieldset .grid input");
  await type(fields[0] ?? null, "gateway");
  await type(fields[1] ?? null, "requests");
  await type(fields[2] ?? null, "gateway_requests_left");
  await says("Limit 1: 2 values of remaining fall together as gateway///requests.");
  await type(fields[6] ?? null, "{key}");
  await says("gateway/research requests: 7 left, of an unknown limit.");
  expect(asked("saveMapping")).toEqual([]);
  await fireEvent.submit(button("Watch it").closest("form") as HTMLFormElement);
  await settled();
  const [saved] = asked("saveMapping") as [{ mapping: { windows: unknown[] } }];
  expect(saved.mapping.windows).toMatchObject([{ provider: "gateway", account: "{key}", remaining: "gateway_requests_left" }]);
});

test("ports of one's own are looked at beside the usual ones, and what is no port is said", async () => {
  const { asked } = await opened(Agents, { fleet: "office" });
  await fireEvent.click(button("Look on this computer"));
  await says("Other ports of this computer");
  const field = document.querySelector("input[placeholder='3000 8123']");
  await type(field, "8123 port9");
  await says("port9 is no port. A port is a number from 1 to 65535.");
  for (const wrong of ["0", "65536", "-1", "1.5", "1e3"]) {
    await type(field, wrong);
    await says(`${wrong} is no port.`);
  }
  await type(field, "8123, 8123 9999");
  await fireEvent.click(button("Ask these 10 ports"));
  await settled();
  expect(asked("discover")).toEqual([{ ports: [2024, 4000, 4096, 7777, 8000, 8080, 9999, 10000, 41241, 8123] }]);
});

test("nothing watched yet offers to add", async () => {
  await opened(Agents, { fleet: "empty" });
  await says("No agents are watched yet.");
});
