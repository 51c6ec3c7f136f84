import { expect, test } from "vitest";
import type { InboxView } from "../../api/generated/InboxView";
import { plain } from "../../parts/agent-text";
import { arrange, nextOf, parseKey } from "./arrange";

function view(...keys: string[]): InboxView {
  const items = keys.map((key) => ({
    key,
    shape: "needs-you" as const,
    title: plain(key),
    subtitle: "",
    agent: null,
    endpoint: null,
    dueAt: null,
    overdue: false,
    severity: "info" as const,
    count: 1,
    stateLabel: null,
  }));
  return { title: keys.join(" "), groups: [{ id: "needs-decision", label: "Needs your decision", count: keys.length, items }] };
}

const shown = (arranged: ReturnType<typeof arrange>) => arranged.view.groups[0]?.items.map((item) => item.key).join("");

test("a list that nobody uses follows the host", () => {
  expect(shown(arrange(arrange(undefined, view("a", "b"), false), view("c", "a"), false))).toBe("ca");
});

test("a list in use keeps its order, lets new items wait and keeps settled ones in their place", () => {
  const arranged = arrange(arrange(undefined, view("a", "b", "c"), false), view("x", "c", "a"), true);
  expect(shown(arranged)).toBe("abc");
  expect(arranged.waiting).toBe(1);
  expect([...arranged.settled]).toEqual(["b"]);
});

test("an item that comes back is open again", () => {
  const without = arrange(arrange(undefined, view("a", "b"), false), view("a"), true);
  expect(arrange(without, view("a", "b"), true).settled.size).toBe(0);
});

test("after an item comes the next open one, at the end the one before", () => {
  const arranged = arrange(arrange(undefined, view("a", "b", "c"), false), view("a", "c"), true);
  expect(nextOf(arranged, "a")).toBe("c");
  expect(nextOf(arranged, "c")).toBe("a");
  expect(nextOf(arrange(undefined, view("a"), false), "a")).toBeUndefined();
});

test.each([
  ["e:host/1", { endpoint: "host", escalation: "1" }],
  ["e:host/a/b", { endpoint: "host", escalation: "a/b" }],
  ["f:stall/T-1", { finding: "f:stall/T-1" }],
  ["x", undefined],
])("%s is read", (key, read) => expect(parseKey(key)).toEqual(read));
