// The ownership screen as a person meets it: rendered whole, over answers recorded from the engine. What rules mean is
// not tested here; that the right command leaves, and that the answer is shown, is.
import { cleanup, fireEvent, render, screen, within } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backend } from "../../api/backend";
import { CallError } from "../../api/call-error";
import { fake } from "../../api/fake";
import { start } from "../../keys";
import { router } from "../../router.svelte";
import Matrix from "./Matrix.svelte";
import Ownership from "./Ownership.svelte";

let stop = () => {};
vi.setConfig({ testTimeout: 20_000 });

beforeEach(() => {
  // There is no layout here; rows are drawn for a window this high.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(900);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(900);
});
afterEach(() => {
  stop();
  cleanup();
});

/** The screen with the recorded fleet, and what it asked of the host. */
async function opened() {
  // Each test begins at the start of the recording.
  const recorded = fake("demo");
  const calls: [string, unknown][] = [];
  vi.spyOn(backend, "call").mockImplementation((name, request) => {
    calls.push([name, request]);
    return recorded.call(name, request);
  });
  vi.spyOn(backend, "onChanged").mockImplementation((listener) => recorded.onChanged(listener));
  stop = start();
  render(Ownership);
  // A busy machine takes its time to read the recording.
  await vi.waitFor(() => expect(document.querySelector("[role=grid]")).toBeTruthy(), { timeout: 15_000 });
  return { calls, edits: () => calls.filter(([name]) => name !== "ownership") };
}

const settled = async () => {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
  await tick();
};

// Looked up by its words; asking by role works out every element's role and takes seconds here.
const cell = (agent: string, resource: string) => {
  const all = [...document.querySelectorAll<HTMLElement>("[role=gridcell][aria-label]")];
  const found = all.filter((each) => {
    const words = each.getAttribute("aria-label") ?? "";
    return words.startsWith(`${agent}: `) && words.replace(/, changed$/, "").endsWith(`, ${resource}`);
  });
  expect(found).toHaveLength(1);
  return found[0] as HTMLElement;
};
const button = (words: string) => {
  const all = [...document.querySelectorAll<HTMLElement>("button")];
  const found = all.find((each) => each.textContent?.trim().startsWith(words));
  expect(found, words).toBeTruthy();
  return found as HTMLElement;
};
const heading = () => document.querySelector("h1")?.textContent;

async function press(key: string, init: KeyboardEventInit = {}) {
  await fireEvent.keyDown(document.activeElement ?? document.body, { key, bubbles: true, ...init });
  await settled();
}

/** The cursor on a cell, as a click puts it there; the menu it opens is closed again. */
async function stand(agent: string, resource: string) {
  await fireEvent.click(cell(agent, resource));
  await settled();
  await press("Escape");
  await settled();
}

describe("the matrix", () => {
  test("has a row for every rule with its owner, for what was seen without one, and for exceptions", async () => {
    await opened();
    expect(heading()).toBe("11 rules, no conflicts, 3 resources unowned");
    expect(cell("crm-sync", "crm/contact/*#status").getAttribute("aria-label")).toContain("owns");
    expect(cell("payments", "slack/#billing").getAttribute("aria-label")).toContain("takes turns 2");
    expect(cell("triage", "github/issues").getAttribute("aria-label")).toContain("seen doing it, no rule");
    expect(screen.getByText("anything undefined")).toBeTruthy();
    expect(screen.getByText("you, 24 h")).toBeTruthy();
  });

  test("has one tab stop, and arrows move it", async () => {
    await opened();
    await stand("crm-sync", "crm/contact/*#status");
    await press("ArrowDown");
    await press("ArrowRight");
    expect(document.activeElement?.getAttribute("aria-label")).toBe("outreach: owns, crm/contact/*#last_reply");
    expect(document.querySelectorAll('[role=grid] [tabindex="0"]')).toHaveLength(1);
  });

  test("gives, reads, takes turns and leaves by single keys", async () => {
    const { edits } = await opened();
    await stand("crm-sync", "crm/contact/*#last_reply");
    for (const key of ["o", "r", "q", "Delete"]) await press(key);
    const sent = edits().map(([, request]) => (request as { kind: string }).kind);
    expect(sent).toEqual(["own", "read", "sequence", "clear"]);
    expect(edits()[0]?.[1]).toMatchObject({ rule: 4, agent: "crm-sync" });
  });

  test("says what an edit changed, and shows a refused one without losing the draft", async () => {
    await opened();
    await stand("crm-sync", "crm/contact/*#last_reply");
    await press("o");
    expect(cell("outreach", "crm/contact/*#last_reply").getAttribute("aria-label")).toBe("outreach: reads, crm/contact/*#last_reply, changed");
    expect(screen.getByText("Draft of version 2, 2 changes")).toBeTruthy();
    await press("q");
    expect(document.querySelector("[role=alert]")?.textContent).toBe("This edit is not in the recording.");
    expect(screen.getByText("Draft of version 2, 2 changes")).toBeTruthy();
  });

  test("moves the owner from a menu of all agents", async () => {
    const { edits } = await opened();
    await stand("outreach", "crm/contact/*#last_reply");
    await press("m");
    const menu = screen.getByRole("menu", { name: /Who owns field:crm\/contact\/\*#last_reply/ });
    expect(within(menu).getByRole("menuitemradio", { name: /outreach/ }).getAttribute("aria-checked")).toBe("true");
    await fireEvent.click(within(menu).getByRole("menuitemradio", { name: /crm-sync/ }));
    await settled();
    expect(edits()).toHaveLength(1);
    expect(edits()[0]?.[1]).toMatchObject({ kind: "own", rule: 4, agent: "crm-sync" });
  });

  test("shows only the agents that write in the rows in sight, with their own marks", async () => {
    await opened();
    await fireEvent.input(screen.getByRole("searchbox"), { target: { value: "slack" } });
    await fireEvent.click(button("Writers only"));
    await settled();
    const columns = [...document.querySelectorAll("[role=columnheader]")].slice(2).map((each) => each.getAttribute("aria-label"));
    expect(columns).toEqual(["invoices", "payments", "triage"]);
    expect(cell("triage", "slack/#engineering").getAttribute("aria-label")).toContain("owns");
  });

  test("letters typed into the filter are words, not edits", async () => {
    const { edits } = await opened();
    const filter = screen.getByRole("searchbox");
    filter.focus();
    await press("o");
    await fireEvent.input(filter, { target: { value: "slack" } });
    await settled();
    expect(edits()).toEqual([]);
    expect(screen.getAllByRole("rowheader").map((each) => each.textContent?.trim())).toEqual(["Outputs", "slack/#billing", "slack/#engineering"]);
  });
});

describe("the draft", () => {
  async function withConflict() {
    const given = await opened();
    await stand("crm-sync", "crm/contact/*#last_reply");
    await press("o");
    await stand("digest", "mail/customers");
    await press("r");
    await stand("digest", "slack/#engineering");
    await press("q");
    await press("z", { ctrlKey: true });
    await press("z", { ctrlKey: true, shiftKey: true });
    await press("n");
    await fireEvent.input(screen.getByLabelText("Resource"), { target: { value: "trigger:mailbox/suppliers/*" } });
    await fireEvent.input(screen.getByLabelText("Owner"), { target: { value: "reminders" } });
    await fireEvent.submit(screen.getByLabelText("Owner"));
    await settled();
    return given;
  }

  test("is blocked while two agents own one thing, and a proposed fix frees it", async () => {
    const { edits } = await withConflict();
    expect(heading()).toBe("2 conflicts block this draft");
    expect(screen.getByText(/invoices and reminders would both start/)).toBeTruthy();
    expect(document.querySelector(".panel .filled")).toBeNull();
    await press("s", { ctrlKey: true });
    expect(document.querySelector("dialog")).toBeNull();
    expect(document.activeElement?.getAttribute("data-line")).toBe(cell("invoices", "mailbox/suppliers/invoice").dataset["line"]);
    await fireEvent.click(button("Remove the wider rule"));
    await settled();
    expect(edits().at(-1)?.[1]).toMatchObject({ kind: "remove-rule", rule: 11 });
    expect(button("Review and save")).toBeTruthy();
  });

  test("is saved with the sentence in the field, on the version it began with", async () => {
    const { edits } = await withConflict();
    await fireEvent.click(button("Remove the wider rule"));
    await settled();
    await press("s", { ctrlKey: true });
    await fireEvent.click(button("Save version 3"));
    await settled();
    const [name, request] = edits().filter(([each]) => each === "saveDraft").at(-1) ?? [];
    expect(name).toBe("saveDraft");
    expect(request).toMatchObject({ baseRevision: 2 });
    expect((request as { sentence: string }).sentence).toContain("field:crm/contact/*#last_reply goes from outreach to crm-sync.");
    expect(document.querySelector("dialog")).toBeNull();
    expect(screen.queryByText(/^Draft of version/)).toBeNull();
  });
});

describe("the draft of an older version", () => {
  test("is not saved without being asked again, and then on top of the newer one", async () => {
    const { calls } = await opened();
    await stand("crm-sync", "crm/contact/*#last_reply");
    await press("o");
    await press("s", { ctrlKey: true });
    const recorded = vi.mocked(backend.call).getMockImplementation();
    let newer = 2;
    vi.mocked(backend.call).mockImplementation(async (name, request) => {
      if (name === "saveDraft") {
        calls.push([name, request]);
        newer = 3;
        throw new CallError("changed", "Version 3 was saved meanwhile. Nothing was saved now.");
      }
      const answer = await recorded?.(name, request);
      return (name === "ownership" ? { ...(answer as object), revision: newer } : answer) as never;
    });
    await fireEvent.click(button("Save version 3"));
    await settled();
    expect(document.querySelector("[role=alert]")?.textContent).toContain("Nothing was saved now.");
    await fireEvent.click(button("Save on top of the newer version"));
    await settled();
    const bases = calls.flatMap(([name, request]) => (name === "saveDraft" ? [(request as { baseRevision: number }).baseRevision] : []));
    expect(bases).toEqual([2, 3]);
  });
});

describe("export", () => {
  test("shows the text of each form and says where the file was written", async () => {
    const { edits } = await opened();
    await press("x");
    await settled();
    await fireEvent.click(screen.getByRole("radio", { name: "CODEOWNERS" }));
    await settled();
    expect((screen.getByRole("textbox", { name: "CODEOWNERS" }) as HTMLTextAreaElement).value).toContain("/articles/** @publisher");
    await fireEvent.click(button("Save as a file"));
    await settled();
    expect(edits().at(-1)?.[1]).toEqual({ format: "codeowners", revision: null, save: true });
    expect(screen.getByText(/exports\/CODEOWNERS$/)).toBeTruthy();
  });
});

describe("import", () => {
  test("says which line cannot be read and keeps the text", async () => {
    const { edits } = await opened();
    await press("x");
    const text = screen.getByLabelText("Text of the file");
    await fireEvent.input(text, { target: { value: "[[rules]]\nresource = 3\n" } });
    await fireEvent.submit(text);
    await settled();
    expect(edits().map(([name]) => name)).toContain("importOwnership");
    expect(document.querySelector("[role=alert]")).toBeTruthy();
    expect((text as HTMLTextAreaElement).value).toContain("resource = 3");
  });
});

describe("many rules", () => {
  test("draw only the rows in sight", async () => {
    const columns = Array.from({ length: 30 }, (_, at) => ({ at, agent: { name: `agent-${at}`, label: { text: `agent-${at}` }, health: "online" } as never }));
    const lines = Array.from({ length: 500 }, (_, at) => ({
      kind: "row" as const,
      row: { group: "field", rule: at, resource: `field:crm/${at}`, ownerLabel: "a", purpose: null, cells: [{ agent: at % 30, mark: "owner" as const, place: null }], conflict: false },
    }));
    const nothing = () => undefined;
    render(Matrix, { lines, columns, changed: new Map(), nameOf: (row) => row.resource, set: nothing, give: nothing, remove: nothing, open: nothing, transfer: nothing });
    await settled();
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("501");
    expect(screen.getAllByRole("row").length).toBeLessThan(50);
  });
});

describe("opened on a resource", () => {
  const focused = () => document.activeElement?.closest("[role=row]")?.textContent ?? "";

  test("that a rule is about, the map stands at that rule", async () => {
    router.go("#/ownership/" + encodeURIComponent("field:crm/contact/*#status"), true);
    await opened();
    await vi.waitFor(() => expect(focused()).not.toBe(""));
    expect(document.querySelector("[role=dialog]")).toBeNull();
    router.go("#/ownership", true);
  });

  test("that nothing is known of, a rule for it begins", async () => {
    router.go("#/ownership/" + encodeURIComponent("output:nowhere/at-all"), true);
    await opened();
    await vi.waitFor(() => expect([...document.querySelectorAll("input")].map((input) => input.value)).toContain("output:nowhere/at-all"));
    router.go("#/ownership", true);
  });
});
