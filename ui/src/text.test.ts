import { expect, test } from "vitest";
import { safeLocale } from "./locale";
import { bytes, span, spanShort } from "./text";

test.each([
  ["C", "en-GB"],
  ["C.UTF-8", "en-GB"],
  ["en-US@posix", "en-US"],
  ["de_DE.UTF-8", "de-DE"],
  ["", "en-GB"],
  [undefined, "en-GB"],
  ["not a language", "en-GB"],
])("the language %s becomes %s", (reported, safe) => expect(safeLocale(reported)).toBe(safe));

test.each([
  [0, "0 s"],
  [59_999, "59 s"],
  [652_000, "10 min"],
  [125_000, "2 min 5 s"],
  [11_400_000, "3 h 10 min"],
  [10 * 3_600_000 + 60_000, "10 h"],
  [4 * 86_400_000, "4 d"],
])("%d ms are %s", (ms, shown) => expect(span(ms)).toBe(shown));

test.each([
  [40_000, "40s"],
  [660_000, "11m"],
  [4 * 3_600_000, "4h"],
  [172_800_000, "2d"],
])("%d ms are %s in a list", (ms, shown) => expect(spanShort(ms)).toBe(shown));

test.each([
  [999, "999 B"],
  [84_000_000, "84 MB"],
  [1_230_000, "1.23 MB"],
])("%d bytes are %s", (value, shown) => expect(bytes(value)).toBe(shown));
