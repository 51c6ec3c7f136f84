// The text an edit begins with: the proposed action laid out for reading. Signs that the host made visible become JSON
// escapes, which say the same to the agent and can be seen while editing.
import type { AgentText } from "../../api/generated/AgentText";
import { layOut } from "../../parts/json-text";
import { pieces } from "../../parts/agent-text";

function escaped(codepoint: string): string {
  const value = Number.parseInt(codepoint.replace(/^U\+/, ""), 16);
  return [...String.fromCodePoint(value)]
    .flatMap((sign) => sign.split(""))
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** The raw action as JSON text to edit. */
export function editable(raw: AgentText): string {
  const marks = [...raw.marks];
  const text = pieces(raw)
    .map((piece) => {
      if (piece.hidden === undefined) return piece.text;
      const mark = marks.shift();
      if (!mark) return piece.text;
      // Padding hides nothing by itself; it is what it was.
      return mark.count === undefined ? escaped(mark.codepoint) : String.fromCodePoint(Number.parseInt(mark.codepoint.slice(2), 16)).repeat(mark.count);
    })
    .join("");
  return layOut(text);
}

/** Signs that cannot be seen, written as JSON escapes: a pasted one is read before it is sent. */
export function visibleEscapes(json: string): string {
  return json.replace(/[\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|\udb40[\udc00-\uddff]/g, (hidden) =>
    hidden
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
