import { afterEach, beforeEach, expect, test } from "vitest";
import { bind, drawn, press, setSingleKeys, type Scope } from "./keys";

let ends: (() => void)[] = [];
let done: string[] = [];

function on(key: string, scope: Scope = "anywhere", extra: { repeat?: boolean; when?: () => boolean } = {}): void {
  ends.push(bind({ key, scope, label: key, run: () => done.push(key), ...extra }));
}

function type(key: string, init: KeyboardEventInit = {}, target: EventTarget = document.body): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  Object.defineProperty(event, "target", { value: target });
  press(event);
  return event;
}

function element(html: { tag: string; region?: string; inside?: string }): HTMLElement {
  const parent = document.createElement("div");
  if (html.region) parent.dataset.region = html.region;
  const child = document.createElement(html.tag);
  parent.append(child);
  document.body.append(parent);
  return child;
}

beforeEach(() => {
  done = [];
});
afterEach(() => {
  for (const end of ends) end();
  ends = [];
  setSingleKeys(true);
  document.body.replaceChildren();
});

test("a sequence needs both keys in order", () => {
  on("g i");
  type("i");
  type("g");
  type("i");
  expect(done).toEqual(["g i"]);
});

test("the second key of a broken-off sequence does nothing", () => {
  on("g i");
  on("d");
  type("g");
  type("d");
  expect(done).toEqual([]);
  type("d");
  expect(done).toEqual(["d"]);
});

test("from a heading only keys that move about lead into the list", () => {
  on("j", "list", { repeat: true });
  on("x", "list");
  on("a", "detail");
  const heading = element({ tag: "h1" });
  for (const key of ["j", "x", "a"]) type(key, {}, heading);
  expect(done).toEqual(["j"]);
});

test("a held key acts once unless it only moves", () => {
  on("a");
  on("j", "anywhere", { repeat: true });
  type("a");
  for (let n = 0; n < 20; n += 1) type("a", { repeat: true });
  type("j");
  type("j", { repeat: true });
  expect(done).toEqual(["a", "j", "j"]);
});

test("letters do nothing in a field; Ctrl and Escape do", () => {
  on("a");
  on("mod+k");
  on("Escape");
  const field = element({ tag: "input" });
  type("a", {}, field);
  type("k", { ctrlKey: true }, field);
  type("Escape", {}, field);
  expect(done).toEqual(["mod+k", "Escape"]);
});

test("letters of the detail act only where a list or a detail has the focus", () => {
  on("a", "detail");
  type("a");
  type("a", {}, element({ tag: "button", region: "detail" }));
  type("a", {}, element({ tag: "div", region: "list" }));
  expect(done).toEqual(["a", "a"]);
});

test("switched off, single letters and sequences do nothing and the rest stays", () => {
  on("a");
  on("g i");
  on("mod+k");
  setSingleKeys(false);
  type("a");
  type("g");
  type("i");
  type("k", { metaKey: true });
  expect(done).toEqual(["mod+k"]);
});

test("Enter and Space belong to the control that has the focus", () => {
  on("Enter");
  type("Enter", {}, element({ tag: "button", region: "detail" }));
  expect(done).toEqual([]);
});

test("nothing behind an open dialog acts", () => {
  on("a");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("open", "");
  const button = document.createElement("button");
  dialog.append(button);
  document.body.append(dialog);
  type("a", {}, button);
  expect(done).toEqual([]);
});

test("a key that is not in force is free", () => {
  let open = false;
  on("a", "anywhere", { when: () => open });
  expect(type("a").defaultPrevented).toBe(false);
  open = true;
  expect(type("a").defaultPrevented).toBe(true);
  expect(done).toEqual(["a"]);
});

test.each([
  ["mod+k", "Ctrl K"],
  ["g i", "g i"],
  ["Escape", "Esc"],
  ["shift+x", "Shift X"],
])("%s is drawn as %s", (key, shown) => expect(drawn(key)).toBe(shown));
