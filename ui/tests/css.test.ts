// What the web views draw slowly or wrongly, and what hides meaning, does not come into a style sheet.
import { expect, test } from "vitest";
import { sources } from "./sources";

const sheets = sources(".css", ".svelte").map(({ path, text }) => ({
  path,
  css: (path.endsWith(".css") ? text : [...text.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map((m) => m[1]).join("\n")).replace(
    /\/\*[\s\S]*?\*\//g,
    "",
  ),
}));

function offenders(pattern: RegExp): string[] {
  return sheets.flatMap(({ path, css }) => [...css.matchAll(pattern)].map((found) => `${path}: ${found[0].trim()}`));
}

const forbidden: [string, RegExp][] = [
  ["backdrop-filter", /backdrop-filter\s*:[^;]+/g],
  ["filter", /(?<![-\w])filter\s*:[^;]+/g],
  ["content-visibility", /content-visibility\s*:[^;]+/g],
  ["transition of everything", /transition(-property)?\s*:[^;]*\ball\b[^;]*/g],
  ["transition of a size or place", /transition(-property)?\s*:[^;]*\b(width|height|top|left|right|bottom|margin|padding)\b[^;]*/g],
  ["an endless animation", /animation[^;:]*:[^;]*\binfinite\b[^;]*/g],
  ["an address elsewhere", /url\(\s*["']?(https?:)?\/\/[^)]*\)|@import[^;]+/g],
  ["a popover, light-dark() or anchor, which the oldest web view lacks", /light-dark\(|anchor-name|position-anchor/g],
];

for (const [name, pattern] of forbidden) {
  test(`no style sheet has ${name}`, () => expect(offenders(pattern)).toEqual([]));
}

test("no shadow is blurred by more than 2 px", () => {
  const blurred = offenders(/box-shadow\s*:[^;]+/g).filter((rule) => {
    const value = rule.slice(rule.indexOf("box-shadow"));
    return value
      .slice(value.indexOf(":") + 1)
      .split(/,(?![^(]*\))/)
      .some((shadow) => {
        const lengths = [...shadow.replace(/\([^)]*\)/g, "").matchAll(/(?<![\w#-])(-?[\d.]+)(px)?(?![\w%])/g)].map((m) => Number(m[1]));
        return (lengths[2] ?? 0) > 2;
      });
  });
  expect(blurred).toEqual([]);
});

test("what is switched off is not dimmed by opacity", () => {
  expect(offenders(/[^{}]*(disabled|:disabled)[^{}]*\{[^}]*(?<![-\w])opacity\s*:[^;}]+/g)).toEqual([]);
});

test("no animation moves a size or a place", () => {
  const moved = offenders(/@keyframes[^{]*\{(?:[^{}]*\{[^}]*\})*[^{}]*\}/g).filter((frames) =>
    /[{;\s](width|height|top|left|right|bottom|margin|padding)\s*:/.test(frames),
  );
  expect(moved).toEqual([]);
});

test("screens use the tokens and no colour of their own", () => {
  const own = offenders(/(?<![\w&-])#[0-9a-fA-F]{3,8}\b|\b(rgb|hsl|oklch)a?\([^)]*\)/g).filter(
    (found) => !found.startsWith("src/styles/"),
  );
  expect(own).toEqual([]);
});
