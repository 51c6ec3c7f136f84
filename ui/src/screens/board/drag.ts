// Dragging a card with pointer events, because native dragging does not work in every engine. It tells which card was
// dragged onto which place; what may be dragged and where it may go is the board's, and each drop has a key, too.
import type { Attachment } from "svelte/attachments";

type Ends = {
  /** Whether this card may be dragged. */
  may: (key: string) => boolean;
  /** A drag is under way; `over` is the place under the pointer that takes drops. */
  moved: (key: string, over: string | undefined) => void;
  dropped: (key: string, over: string) => void;
  ended: () => void;
};

/** Less than this is a click. Pixels. */
const FAR = 6;

const keyOf = (target: EventTarget | null) => (target instanceof Element ? target.closest<HTMLElement>("[data-card]")?.dataset["card"] : undefined);
const placeAt = (x: number, y: number) => document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-drop]")?.dataset["drop"];

/** Listens on the columns. Escape, a lost pointer and a drop outside do nothing. */
export function dragging(ends: Ends): Attachment<HTMLElement> {
  return (board) => {
    let start: { key: string; x: number; y: number; pointer: number } | undefined;
    let under = false;

    const swallow = (event: Event) => {
      event.stopPropagation();
      event.preventDefault();
    };
    const end = () => {
      if (under) {
        ends.ended();
        // The click that follows a drop is none.
        addEventListener("click", swallow, { capture: true, once: true });
        setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
      }
      if (start && board.hasPointerCapture(start.pointer)) board.releasePointerCapture(start.pointer);
      start = undefined;
      under = false;
    };
    const down = (event: PointerEvent) => {
      const key = keyOf(event.target);
      // A finger scrolls.
      if (event.button !== 0 || event.pointerType === "touch" || key === undefined || !ends.may(key)) return;
      start = { key, x: event.clientX, y: event.clientY, pointer: event.pointerId };
    };
    const move = (event: PointerEvent) => {
      if (!start || event.pointerId !== start.pointer) return;
      if (!under && Math.hypot(event.clientX - start.x, event.clientY - start.y) < FAR) return;
      if (!under) board.setPointerCapture(start.pointer);
      under = true;
      ends.moved(start.key, placeAt(event.clientX, event.clientY));
    };
    const up = (event: PointerEvent) => {
      if (!start || event.pointerId !== start.pointer) return;
      const [key, over] = [start.key, under ? placeAt(event.clientX, event.clientY) : undefined];
      end();
      if (over !== undefined) ends.dropped(key, over);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !under) return;
      swallow(event);
      end();
    };
    // WebKit selects text under a captured pointer all the same.
    const select = (event: Event) => {
      if (start) event.preventDefault();
    };
    board.addEventListener("pointerdown", down);
    board.addEventListener("pointermove", move);
    board.addEventListener("pointerup", up);
    board.addEventListener("pointercancel", end);
    addEventListener("keydown", key, true);
    document.addEventListener("selectstart", select);
    return () => {
      board.removeEventListener("pointerdown", down);
      board.removeEventListener("pointermove", move);
      board.removeEventListener("pointerup", up);
      board.removeEventListener("pointercancel", end);
      removeEventListener("keydown", key, true);
      document.removeEventListener("selectstart", select);
    };
  };
}
