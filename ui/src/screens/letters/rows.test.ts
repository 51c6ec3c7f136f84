// What is left of the list, and what may be chosen together.
import { expect, test } from "vitest";
import type { LetterGroup } from "../../api/generated/LetterGroup";
import { causesOf, toggled } from "./rows";

const said = (text: string) => ({ text, flagged: false, marks: [] });
const group = (key: string, path: string, items: string[]): LetterGroup => ({
  key,
  endpoint: "host",
  agent: key,
  list: "artifacts",
  what: "artifact",
  path,
  rule: "type",
  schema: null,
  sentence: said("Wrong."),
  count: items.length,
  firstAt: "",
  lastAt: "",
  letters: items.map((item) => ({
    key: `host/artifacts/${item}`, endpoint: "host", list: "artifacts", item, title: said(item), at: "", count: 1, state: "waits", stateAt: null,
  })),
});
const groups = [group("crm", "/size", ["a", "b"]), group("press", "/body/title", ["c"])];

test("a cause stands above its letters, and goes when none of them matches", () => {
  const keys = (typed: string) => causesOf(groups, typed).flatMap(({ group, items }) => [group.key, ...items.map((letter) => letter.item)]);
  expect(keys("")).toEqual(["crm", "a", "b", "press", "c"]);
  expect(keys("title")).toEqual(["press", "c"]);
  expect(keys("crm b")).toEqual(["crm", "b"]);
  expect(keys("nobody")).toEqual([]);
});

test("letters of another cause are not chosen together", () => {
  const [crm, press] = groups as [LetterGroup, LetterGroup];
  const one = toggled(new Set(), "host/artifacts/a", crm);
  const two = toggled(one, "host/artifacts/b", crm);
  expect([...two]).toEqual(["host/artifacts/a", "host/artifacts/b"]);
  expect([...toggled(two, "host/artifacts/a", crm)]).toEqual(["host/artifacts/b"]);
  expect([...toggled(two, "host/artifacts/c", press)]).toEqual(["host/artifacts/c"]);
});
