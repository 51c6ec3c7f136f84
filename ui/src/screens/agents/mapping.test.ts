// Mappings from form to request.
import { expect, test } from "vitest";
import { emptyRule, isBegun, wanted } from "./mapping";

test("a rule that nobody began is not sent", () => {
  const begun = { ...emptyRule(), provider: "gateway" };
  expect(isBegun(emptyRule())).toBe(false);
  expect(wanted({ windows: [emptyRule(), begun] })).toEqual({ windows: [begun] });
});

test("a length of nothing is no length", () => {
  const rule = { ...emptyRule(), name: "calls", windowSeconds: 0 };
  expect(wanted({ windows: [rule] }).windows[0]?.windowSeconds).toBeNull();
});
