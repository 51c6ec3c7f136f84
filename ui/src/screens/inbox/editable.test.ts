import { expect, test } from "vitest";
import { plain } from "../../parts/agent-text";
import { editable, visibleEscapes } from "./editable";

test("an edit begins with the action laid out, its numbers as they were", () => {
  expect(editable(plain('{"amount":420.00}'))).toBe('{\n  "amount": 420.00\n}');
});

test("hidden signs become escapes that mean the same", () => {
  const raw = {
    text: '{"to":"a⟨U+202E⟩b","x":"⟨U+E0041⟩"}',
    flagged: true,
    marks: [
      { codepoint: "U+202E", offset: 8, kind: "bidi" },
      { codepoint: "U+E0041", offset: 17, kind: "invisible" },
    ],
  };
  expect(JSON.parse(editable(raw))).toEqual({ to: "a\u202eb", x: "\u{e0041}" });
});

test("a pasted hidden sign can be read before it is sent, and means the same", () => {
  const pasted = '{"to":"a\u202eb\u{e0041}é😀"}';
  expect(visibleEscapes(pasted)).toBe('{"to":"a\\u202eb\\udb40\\udc41é😀"}');
  expect(JSON.parse(visibleEscapes(pasted))).toEqual(JSON.parse(pasted));
});
