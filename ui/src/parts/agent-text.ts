// Splits an agent's text into its own words and the escapes the host put in. It counts by the marks' offsets, so that an
// agent writing "⟨U+202E⟩" itself is not mistaken for one.
import type { AgentText } from "../api/generated/AgentText";

export type Piece = { text: string; hidden?: string };

const reasons: Record<string, string> = {
  control: "A control character",
  bidi: "Reorders the text",
  invisible: "Takes no room",
  confusable: "Looks like another letter",
  private: "Means something else on every machine",
  unassigned: "Has no meaning yet",
  escape: "Begins a terminal sequence",
};

/** Words and escapes in order; one piece when nothing is hidden. */
export function pieces(value: AgentText): Piece[] {
  if (value.marks.length === 0) return value.text ? [{ text: value.text }] : [];
  const shown = [...value.text];
  const out: Piece[] = [];
  let words = "";
  let at = 0;
  let original = 0;
  for (const mark of value.marks) {
    while (original < mark.offset && at < shown.length) {
      words += shown[at];
      at += 1;
      original += 1;
    }
    let escape = "";
    if (mark.kind === "confusable" && at < shown.length) {
      escape += shown[at];
      at += 1;
    }
    const token = `⟨${mark.codepoint}⟩`;
    if (shown.slice(at, at + [...token].length).join("") === token) {
      escape += token;
      at += [...token].length;
    }
    original += 1;
    if (words) out.push({ text: words });
    words = "";
    if (escape) out.push({ text: escape, hidden: `${reasons[mark.kind] ?? mark.kind} (${mark.codepoint})` });
  }
  words += shown.slice(at).join("");
  if (words) out.push({ text: words });
  return out;
}

/** An id as it may be drawn. Ids are compared byte for byte, so the host leaves what they hide to be named here. */
export function legible(id: string): string {
  return id.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu, (sign) => `⟨U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** Words of our own in the shape agent text has, for parts that draw either. */
export function plain(text: string): AgentText {
  return { text, flagged: false, marks: [] };
}
