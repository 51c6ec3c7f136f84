// Dragging with pointer events: an owner's square along its row, or a column's heading onto a row. It only tells where
// the pointer began, is and ends; what may be dropped where is the matrix's, and a drop is always one transfer.
import type { Attachment } from "svelte/attachments";
import type { Spot } from "./rows";

export type Drag = { from: Spot; heading: boolean; over: Spot | undefined; x: number; y: number };

type Ends = {
  /** Whether a drag may begin here. */
  may: (from: Spot, heading: boolean) => boolean;
  moved: (drag: Drag) => void;
  dropped: (drag: Drag) => void;
  ended: () => void;
};

/** Less than this is a click. Pixels. */
const FAR = 5;

function spotOf(element: Element | null): { spot: Spot; heading: boolean } | undefined {
  const cell = element?.closest<HTMLElement>("[data-column]");
  if (!cell) return undefined;
  const [line, column] = [Number(cell.dataset["line"]), Number(cell.dataset["column"])];
  return { spot: { line, column }, heading: cell.dataset["line"] === undefined };
}

/** Listens on the grid. Escape, a lost pointer and a drop outside do nothing. */
export function dragging(ends: Ends): Attachment<HTMLElement> {
  return (grid) => {
    let start: { spot: Spot; heading: boolean; x: number; y: number; pointer: number } | undefined;
    let drag: Drag | undefined;

    const end = () => {
      if (drag) {
        ends.ended();
        // The click that follows a drop is none.
        addEventListener("click", swallow, { capture: true, once: true });
        setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
      }
      if (start && grid.hasPointerCapture(start.pointer)) grid.releasePointerCapture(start.pointer);
      start = undefined;
      drag = undefined;
    };
    const swallow = (event: Event) => {
      event.stopPropagation();
      event.preventDefault();
    };
    const down = (event: PointerEvent) => {
      const found = event.target instanceof Element ? spotOf(event.target) : undefined;
      if (event.button !== 0 || !found || !ends.may(found.spot, found.heading)) return;
      start = { ...found, x: event.clientX, y: event.clientY, pointer: event.pointerId };
    };
    const move = (event: PointerEvent) => {
      if (!start || event.pointerId !== start.pointer) return;
      if (!drag && Math.hypot(event.clientX - start.x, event.clientY - start.y) < FAR) return;
      if (!drag) grid.setPointerCapture(start.pointer);
      follow(event.clientX, event.clientY);
    };
    const follow = (x: number, y: number) => {
      if (!start) return;
      const over = spotOf(document.elementFromPoint(x, y));
      drag = { from: start.spot, heading: start.heading, over: over && !over.heading ? over.spot : undefined, x, y };
      ends.moved(drag);
    };
    // Scrolling brings another cell under a pointer that stands still.
    const scrolled = () => {
      if (drag) follow(drag.x, drag.y);
    };
    const up = (event: PointerEvent) => {
      if (!start || event.pointerId !== start.pointer) return;
      if (drag) follow(event.clientX, event.clientY);
      const done = drag;
      end();
      if (done?.over) ends.dropped(done);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape" && drag) {
        event.preventDefault();
        event.stopPropagation();
        end();
      }
    };
    // WebKit selects text under a captured pointer all the same.
    const select = (event: Event) => {
      if (start) event.preventDefault();
    };
    grid.addEventListener("pointerdown", down);
    grid.addEventListener("pointermove", move);
    grid.addEventListener("pointerup", up);
    grid.addEventListener("pointercancel", end);
    addEventListener("keydown", key, true);
    addEventListener("scroll", scrolled, true);
    document.addEventListener("selectstart", select);
    return () => {
      grid.removeEventListener("pointerdown", down);
      grid.removeEventListener("pointermove", move);
      grid.removeEventListener("pointerup", up);
      grid.removeEventListener("pointercancel", end);
      removeEventListener("keydown", key, true);
      removeEventListener("scroll", scrolled, true);
      document.removeEventListener("selectstart", select);
    };
  };
}
