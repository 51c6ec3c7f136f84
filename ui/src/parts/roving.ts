// One tab stop for a list, moved by arrows and `j` `k`. An action on the container; rows carry `data-row` and their own
// tabindex. It moves the focus and nothing else: choosing and opening are the screen's.
import type { Attachment } from "svelte/attachments";

const steps: Record<string, number> = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

/** Keeps the focus on rows; `letters` answers whether `j` and `k` act. */
export function roving(letters: () => boolean): Attachment<HTMLElement> {
  return (container) => {
    const rows = () => [...container.querySelectorAll<HTMLElement>("[data-row]")];
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const all = rows();
      const now = all.indexOf(document.activeElement as HTMLElement);
      if (now < 0) return;
      let to: number | undefined;
      if (event.key === "Home") to = 0;
      else if (event.key === "End") to = all.length - 1;
      else {
        const step = steps[event.key];
        if (step !== undefined && (event.key.length > 1 || letters())) to = now + step;
      }
      if (to === undefined) return;
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, to))]?.focus();
    };
    container.addEventListener("keydown", onKey);
    return () => container.removeEventListener("keydown", onKey);
  };
}
