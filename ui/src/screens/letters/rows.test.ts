// What is left of the list, and what may be chosen together.
import { expect, test } from "vitest";
import type { LetterGroup } from "../../api/generated/LetterGroup";
import { allToggled, causesOf, toggled } from "./rows";

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
    key: `host/artifacts/${item}`, endpoint: "host", list: "artifacts", item, digest: `first ${item}`, title: said(item), at: "", count: 1, state: "waits", stateAt: null,
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

const a = "host/artifacts/a";
const b = "host/artifacts/b";

test("letters of another cause are not chosen together", () => {
  const [crm, press] = groups as [LetterGroup, LetterGroup];
  const one = toggled(new Map(), a, crm);
  const two = toggled(one, b, crm);
  expect([...two.keys()]).toEqual([a, b]);
  expect(allToggled(one, crm)).toEqual(two);
  expect([...allToggled(two, crm)]).toEqual([]);
  expect([...toggled(two, a, crm).keys()]).toEqual([b]);
  expect([...toggled(two, "host/artifacts/c", press).keys()]).toEqual(["host/artifacts/c"]);
});

test("one that comes again stays as it was when it was chosen, until it is chosen as it is now", () => {
  const [crm] = groups as [LetterGroup];
  const chosen = allToggled(new Map(), crm);
  const letters = crm.letters.map((letter) => (letter.key === a ? { ...letter, digest: "second a" } : letter));
  const later = { ...crm, letters };
  expect(toggled(chosen, b, later)).toEqual(new Map([[a, "first a"]]));
  const anew = new Map([
    [a, "second a"],
    [b, "first b"],
  ]);
  expect(toggled(chosen, a, later)).toEqual(anew);
  expect(allToggled(chosen, later)).toEqual(anew);
});
