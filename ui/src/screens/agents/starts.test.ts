// What starts by itself: said in the person's own time, as sure as it is, and asked anew when a start has come.
import { afterEach, expect, test, vi } from "vitest";
import { close, opened, page, says } from "../../../tests/opened";
import type { AgentStartsView } from "../../api/generated/AgentStartsView";
import Agents from "./Agents.svelte";
import { dueAgain, startWords, when } from "./starts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

test("a time of another day is said with its day", () => {
  const now = new Date(2026, 10, 20, 9, 52).getTime();
  const at = (...time: [number, number, number, number, number]) => when(new Date(...time).toISOString(), now);
  expect(at(2026, 10, 20, 17, 5)).toMatch(/^17.05$/);
  expect(at(2026, 10, 23, 8, 0)).toMatch(/23/);
});

test("the list is asked anew after the first time that is told", () => {
  const agent = (...next: (string | null)[]) => ({ starts: next.map((nextAt) => ({ nextAt })) }) as AgentStartsView;
  const [early, late] = ["2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"];
  expect(dueAgain([])).toBeUndefined();
  expect(dueAgain([agent(null)])).toBeUndefined();
  expect(dueAgain([agent(late, null), agent(early)])).toBe(Date.parse(early));
});

test("what is only seen is said to be likely", () => {
  expect(startWords.in(60_000, false)).toBe("in 1 min");
  expect(startWords.in(60_000, true)).toBe("likely in 1 min");
  expect(startWords.in(0, true)).toBe("now");
});

test.each([
  ["billing-host", ["statement", "every 30 minutes, UTC", "Declared by the agent", "trigger:schedule/bank"]],
  ["mail-desk", ["sweep", "about every 15 minutes", "Seen, not declared", "seen 8 times", "likely in"]],
  ["crm-host", ["every hour", "seen 2 times", "No start was seen yet to count from.", "not known"]],
  ["digest-host", ["on Fridays at 12:00, Europe/Berlin", "on weekdays at 08:00, Europe/Berlin", "Cron of the server"]],
  ["vault-host", ["As it was at", "it does not answer now", "on weekdays at 18:00, America/New_York"]],
  ["code-host", ["This cron line cannot be read here.", "Off", "on day 1 of each month at 04:15"]],
  ["research-host", ["Nothing is known to start it by itself."]],
])("%s says what starts it", async (host, sentences) => {
  await opened(Agents, { route: `#/agents/${host}` });
  await says("What starts by itself");
  for (const sentence of sentences) await says(sentence);
  if (host !== "mail-desk") expect(page()).not.toContain("likely in");
});

test("two agents that start together are said above the list", async () => {
  await opened(Agents, { fleet: "office" });
  await says("payments and invoices start within 10 minutes of each other");
});
