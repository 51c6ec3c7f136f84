import { expect, test } from "vitest";
import { href, parse } from "./router.svelte";

test.each([
  ["", "inbox", []],
  ["#/board", "board", []],
  [href("inbox", "e:host/a b/%2F?#"), "inbox", ["e:host/a b/%2F?#"]],
  ["#/inbox/%E0%A4%A", "inbox", ["%E0%A4%A"]],
])("%s is a route", (hash, screen, rest) => {
  expect(parse(hash)).toMatchObject({ screen, rest });
});
