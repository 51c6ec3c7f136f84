// The limits screen as a person meets it, over limits recorded from the engine.
import { afterEach, expect, test, vi } from "vitest";
import { close, keysNow, opened, page, press, says } from "../../../tests/opened";
import Limits from "./Limits.svelte";

vi.setConfig({ testTimeout: 30_000 });
afterEach(close);

test("each limit says where its number comes from, how old it is and what comes of it", async () => {
  await opened(Limits, { fleet: "trouble" });
  await says("deepl is used up");
  for (const words of ["as reported", "from reply headers", "only a percentage is reported", "the limit is not reported"]) {
    expect(page()).toContain(words);
  }
  expect(page()).toMatch(/as of \d\d:\d\d/);
  expect(page()).toContain("not known");
  expect(document.querySelectorAll("svg.bar.dashed").length).toBeGreaterThan(0);
  expect(document.querySelectorAll("svg.bar.stale")).toHaveLength(1);
});

test("a limit is split by who was seen to use it since it began, and the rest is not observed", async () => {
  await opened(Limits, { fleet: "trouble" });
  await says(/meter-room-agent 53 %.*model-desk-agent 14 %.*issue-desk-agent 4 %/);
  await says(/model-desk-agent 30 %\s*not observed 30 %/);
  await says(/issue-desk-agent under 1 %\s*not observed 21 %/);
  await press("t");
  await says(/model-desk-agent 30 %, not observed 30 %/);
});

test("one key shows the same numbers as a table", async () => {
  await opened(Limits, { fleet: "trouble" });
  await says("deepl");
  expect(keysNow()).toContain("Limits as bars or as a table");
  await press("t");
  expect(document.querySelectorAll("tbody tr").length).toBeGreaterThanOrEqual(6);
});

test("nothing seen yet says how limits come to be seen", async () => {
  await opened(Limits, { fleet: "empty" });
  await says("They appear when an agent reports its limits");
});

test("a refused answer keeps what was shown, with its time", async () => {
  await opened(Limits, { fleet: "trouble", state: "stale" });
  await says("deepl is used up");
  await says(/Showing the state of \d\d:\d\d/);
  expect(page()).toContain("deepl");
});
