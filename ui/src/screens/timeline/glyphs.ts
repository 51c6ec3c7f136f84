// The marks of the timeline as paths around (0, 0), 12 pixels wide at most. The shape carries the meaning.
import type { TimelineMarkKind } from "../../api/generated/TimelineMarkKind";

export type Glyph = { d: string; filled: boolean };

const ring = (r: number) => `M${r} 0A${r} ${r} 0 1 1 ${-r} 0A${r} ${r} 0 1 1 ${r} 0Z`;

export const glyphs: Record<TimelineMarkKind, Glyph> = {
  claim: { d: ring(5), filled: false },
  waiting: { d: "M5 0A5 5 0 0 1 2 4.6M-2 4.6A5 5 0 0 1 -5 0M-5 0A5 5 0 0 1 -2 -4.6M2 -4.6A5 5 0 0 1 4 -3", filled: false },
  release: { d: `${ring(3)}M3 -3L6 -6`, filled: false },
  read: { d: "M-4.5 -4.5h9v9h-9Z", filled: false },
  write: { d: "M-5 -5h10v10h-10Z", filled: true },
  take: { d: `${ring(5)}M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z`, filled: false },
  "hand-over": { d: "M-6 0H4M0.5 -4L5 0L0.5 4", filled: false },
  "take-over": { d: "M-6 -5V5M6 0H-3M0.5 -4L-3.5 0L0.5 4", filled: false },
  artifact: { d: "M-4 -5.5h5l3.5 3.5v7.5h-8.5ZM1 -5.5V-2h3.5", filled: false },
  context: { d: "M-5 -4H5M-5 0H5M-5 4H1", filled: false },
  question: { d: "M0 -5.5L5.5 0L0 5.5L-5.5 0Z", filled: false },
  decision: { d: "M-4 6V-6H5L2.5 -2.5L5 1H-4", filled: true },
  refused: { d: "M-4.5 -4.5L4.5 4.5M4.5 -4.5L-4.5 4.5", filled: false },
  silent: { d: `${ring(5)}M-3.5 3.5L3.5 -3.5`, filled: false },
  answers: { d: "M-5 0.5L-1.5 4L5 -4", filled: false },
  state: { d: "M0 -5V5M-3 -5H3M-3 5H3", filled: false },
  several: { d: "M-4.5 -5v10M-1.5 -5v10M1.5 -5v10M4.5 -5v10", filled: false },
};
