// Which level each heading of a Markdown tree has on the page: an agent's text may begin at the third and jump to the
// sixth, a page may not.
import type { MarkdownBlock } from "../api/generated/MarkdownBlock";

/** Levels from 1 without a gap, in the order in which the headings are read. */
export function headings(blocks: readonly MarkdownBlock[]): Map<MarkdownBlock, number> {
  const levels = new Map<MarkdownBlock, number>();
  let last = 0;
  const look = (within: readonly MarkdownBlock[]): void => {
    for (const block of within) {
      if (block.kind === "heading") {
        last = Math.min(block.level, last + 1);
        levels.set(block, last);
      } else if (block.kind === "quote") look(block.blocks);
      else if (block.kind === "list") for (const item of block.items) look(item.blocks);
    }
  };
  look(blocks);
  return levels;
}
