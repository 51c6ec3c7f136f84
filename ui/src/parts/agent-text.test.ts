import { expect, test } from "vitest";
import type { AgentText } from "../api/generated/AgentText";
import { legible, pieces } from "./agent-text";

function check(value: AgentText): string {
  return pieces(value)
    .map((piece) => (piece.hidden ? `[${piece.text}]` : piece.text))
    .join("");
}

const bidi = (offset: number) => ({ codepoint: "U+202E", offset, kind: "bidi" });

test("plain text is one piece", () => {
  expect(pieces({ text: "Send", flagged: false, marks: [] })).toEqual([{ text: "Send" }]);
});

test("an escape is set apart", () => {
  expect(check({ text: "pay ⟨U+202E⟩024", flagged: true, marks: [bidi(4)] })).toBe("pay [⟨U+202E⟩]024");
});

test("an escape that the agent typed itself is its own words", () => {
  expect(check({ text: "⟨U+202E⟩ and ⟨U+202E⟩", flagged: true, marks: [bidi(13)] })).toBe("⟨U+202E⟩ and [⟨U+202E⟩]");
});

test("a letter that imitates another stands with its escape, and signs beyond the basic plane count as one", () => {
  const value: AgentText = {
    text: "😀 pаypal⟨x".replace("а", "а⟨U+0430⟩"),
    flagged: true,
    marks: [{ codepoint: "U+0430", offset: 3, kind: "confusable" }],
  };
  expect(check(value)).toBe("😀 p[а⟨U+0430⟩]ypal⟨x");
});

test("nothing of the text is lost, whatever the marks say", () => {
  const value: AgentText = { text: "abc", flagged: true, marks: [bidi(1), bidi(2), bidi(99)] };
  expect(check(value)).toBe("abc");
});

test("padding is one piece, and what comes after it keeps its place", () => {
  const value: AgentText = {
    text: "ls⟨U+000A⟩⟨×200⟩rm⟨U+202E⟩x",
    flagged: true,
    marks: [{ codepoint: "U+000A", offset: 2, kind: "hidden", count: 200 }, bidi(204)],
  };
  expect(check(value)).toBe("ls[⟨U+000A⟩⟨×200⟩]rm[⟨U+202E⟩]x");
});

test("what an id imitates is named, and honest ids of other alphabets are not", () => {
  const named = (id: string) => expect(legible(id)).not.toBe(id);
  const honest = (id: string) => expect(legible(id)).toBe(id);
  ["p\u0430ypal", "g\u03bfogle", "con\ufb01g", "\u{1d42b}m", "a\ufffdb", "n\u0336o", "a\u0300\u0301\u0302", "a\u2800b", "a\ue000b", "a\u0378b", "a\u{e0072}b", "a\u009bb", "1\ufe0f0"].forEach(named);
  ["задача-7", "büro-1", "発注-12", "مهمة", "cafe\u0301", "❤\ufe0f", "10\u00a0€", "billing — done…", "Δt", "5kΩ", "שלום"].forEach(honest);
});

test("an id is drawn with whatever it hides named", () => {
  expect(legible("q\u200b1 \u202egnp\u0000\n😀ü")).toBe("q⟨U+200B⟩1 ⟨U+202E⟩gnp⟨U+0000⟩⟨U+000A⟩😀ü");
});
