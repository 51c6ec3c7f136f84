// Who may import what, and what may not stand in a component at all.
import { expect, test } from "vitest";
import { sources } from "./sources";

const files = sources(".ts", ".svelte").filter(({ path }) => !path.endsWith(".test.ts"));

function offenders(pattern: RegExp, allowed: (path: string) => boolean = () => false): string[] {
  return files.filter(({ path, text }) => pattern.test(text) && !allowed(path)).map(({ path }) => path);
}

test("only src/api/tauri.ts imports the shell", () => {
  expect(offenders(/from\s+["']@tauri-apps\//, (path) => path === "src/api/tauri.ts")).toEqual([]);
});

test("nothing becomes markup from a string", () => {
  expect(offenders(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment/)).toEqual([]);
});

test("no element has a style attribute, which the content security policy would drop", () => {
  const markup = files.map(({ path, text }) => ({
    path,
    text: text.replace(/<script[\s\S]*?<\/script>/g, "").replace(/<style[\s\S]*?<\/style>/g, "").replace(/<!--[\s\S]*?-->/g, ""),
  }));
  const found = markup.filter(({ path, text }) => path.endsWith(".svelte") && /\sstyle(=|:[\w-]+=)/.test(text));
  expect(found.map(({ path }) => path)).toEqual([]);
});

test("only the shared clock starts an interval", () => {
  expect(offenders(/\bsetInterval\(/, (path) => path === "src/clock.svelte.ts")).toEqual([]);
});

test("only the text and locale files call Intl with a locale", () => {
  expect(offenders(/\bnew Intl\.|toLocale\w*String\(/, (path) => path === "src/text.ts" || path === "src/locale.ts")).toEqual([]);
});

test("the first import of the window repairs the locale", () => {
  const main = files.find(({ path }) => path === "src/main.ts")?.text ?? "";
  expect(main.match(/^import .*$/m)?.[0]).toBe('import "./locale";');
});

test("parts know no screen and no host call", () => {
  const found = files.filter(
    ({ path, text }) => path.startsWith("src/parts/") && /from\s+["']\.\.\/(screens|frame|api\/(live|tauri|fake))/.test(text),
  );
  expect(found.map(({ path }) => path)).toEqual([]);
});

test("each file begins by saying what it is for", () => {
  const found = files.filter(({ path, text }) =>
    path.endsWith(".svelte") ? !/^<!--/.test(text) : !/^(import "\.\/locale";\n)?\/[/*]/.test(text),
  );
  expect(found.map(({ path }) => path)).toEqual([]);
});
