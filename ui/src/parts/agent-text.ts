// Splits an agent's text into its own words and the escapes the host put in. It counts by the marks' offsets, so that an
// agent writing "⟨U+202E⟩" itself is not mistaken for one.
import type { AgentText } from "../api/generated/AgentText";

export type Piece = { text: string; hidden?: string };

const reasons: Record<string, string> = {
  control: "A control character",
  bidi: "Reorders the text",
  invisible: "Takes no room",
  confusable: "Looks like another letter or sign",
  private: "Means something else on every machine",
  unassigned: "Has no meaning yet",
  escape: "Begins a terminal sequence",
  combining: "One of many marks on a letter, or one that strikes it out",
  replacement: "Stands for bytes that were lost",
  hidden: "Pushes what follows out of view",
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
    const count = mark.count ?? 1;
    const token = `⟨${mark.codepoint}⟩${count > 1 ? `⟨×${count}⟩` : ""}`;
    if (shown.slice(at, at + [...token].length).join("") === token) {
      escape += token;
      at += [...token].length;
    }
    original += count;
    if (words) out.push({ text: words });
    words = "";
    if (escape) out.push({ text: escape, hidden: `${reasons[mark.kind] ?? mark.kind} (${mark.codepoint})` });
  }
  words += shown.slice(at).join("");
  if (words) out.push({ text: words });
  return out;
}

const name = (sign: string) => `⟨U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

// Takes no room, means nothing, or is piled on a letter; a selector after an emoji only says how it is drawn.
const unseen =
  /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u2008\u205f\u2800\u3164\ufe00-\ufe0d\uffa0\ufffc\ufffd]|(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=\p{Mn}{2})\p{Mn}|(?<=[\p{L}\p{N}])[\u0334-\u0338]/gu;
// Letters that read as those of ASCII: of another alphabet in a word with Latin letters, or of a block of styled ones.
const imitation = /[\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}\p{Script=Coptic}ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυχ]/gu;
const styled = /[\ufb00-\ufb06\u{1d400}-\u{1d7ff}]/gu;

/** An id as it may be drawn. Ids are compared byte for byte, so the host leaves what they hide to be named here. */
export function legible(id: string): string {
  return id
    .replace(unseen, name)
    .replace(/[\p{L}\p{N}_]+/gu, (word) => (/[A-Za-z]/.test(word) ? word.replace(imitation, (sign) => sign + name(sign)) : word))
    .replace(styled, (sign) => sign + name(sign));
}

/** Words of our own in the shape agent text has, for parts that draw either. */
export function plain(text: string): AgentText {
  return { text, flagged: false, marks: [] };
}
