import { expect, test } from "vitest";
import { diffLines } from "./line-diff";
import { layOut, readJson, sameJson } from "./json-text";

test.each([
  ['{"a":1.0,"b":[12345678901234567890,{}],"c":"\\u00e9"}', '{\n  "a": 1.0,\n  "b": [\n    12345678901234567890,\n    {}\n  ],\n  "c": "\\u00e9"\n}'],
  ["[]", "[]"],
  ["  7 ", "7"],
  ["not json", "not json"],
])("laying out %s keeps every digit and escape", (text, laid) => {
  expect(layOut(text)).toBe(laid);
  expect(layOut(laid)).toBe(laid);
});

test.each([
  ['{"a":1,"a":2}', 'The name "a" stands twice.', 1],
  ['{"a":1,\n"\\u0061":2}', 'The name "\\u0061" stands twice.', 2],
  ['{\n"a": 01\n}', "A comma or } is missing here.", 2],
  ['{"a":1,}', "A name in double quotes is missing here.", 1],
  ["[1,", "Something is missing at the end.", 1],
  ["{", "A name in double quotes is missing here.", 1],
  ['["a]', "This text has no proper end.", 1],
  ["{} {}", "Something stands after the end.", 1],
  ["", "Something is missing at the end.", 1],
  ["[".repeat(200), "This is nested too deeply.", 1],
])("%s is refused with its line", (text, message, line) => {
  expect(readJson(text).problem).toEqual({ message, line });
});

test("what JSON accepts is accepted", () => {
  for (const text of ['{"a":[true,false,null,-1.5e+3,"\\"\\\\\\n"]}', "-0", '""', '[[],{},"é😀"]']) {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(readJson(text).problem).toBeUndefined();
    expect(JSON.parse(layOut(text))).toEqual(JSON.parse(text));
  }
});

test("layout is no change, a digit is", () => {
  expect(sameJson('{"a":1}', '{ "a" : 1 }')).toBe(true);
  expect(sameJson('{"a":1}', '{"a":1.0}')).toBe(false);
});

function check(before: string, after: string): string {
  const signs = { same: " ", added: "+", removed: "-" };
  return diffLines(before, after)
    .map((line) => signs[line.kind] + line.text)
    .join("|");
}

test("a diff says what went and what came", () => {
  expect(check("a\nb\nc", "a\nx\nc")).toBe(" a|-b|+x| c");
  expect(check("a", "a")).toBe(" a");
  expect(check("a\nb\nc\nd", "b\nd\ne")).toBe("-a| b|-c| d|+e");
});
