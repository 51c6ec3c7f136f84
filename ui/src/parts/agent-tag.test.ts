// An agent's mark.
import { describe, expect, test } from "vitest";
import { cutPath, letters, pattern } from "./agent-tag";

describe("the mark of an agent", () => {
  test.each([
    ["crm-sync", "cs"],
    ["publisher", "pu"],
    ["x", "x"],
    ["", "?"],
  ])("%s has the letters %s", (agent, expected) => {
    expect(letters(agent)).toBe(expected);
  });

  test("is the same each time and uses all sixteen outlines", () => {
    const seen = new Set(Array.from({ length: 400 }, (_, at) => pattern(`agent-${at}`)));
    expect(seen.size).toBe(16);
    expect(cutPath("crm-sync")).toBe(cutPath("crm-sync"));
  });
});
