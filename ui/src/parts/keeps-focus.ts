// The focus is never lost: where what had it is taken out of the page, it goes to what the container calls home, and not
// to the page's body, where no key of a list or a detail acts. It never takes the focus from anything that has it.
import type { Attachment } from "svelte/attachments";

const CONTROLS = "a, button, input, select, summary, textarea, [tabindex]";

/** `home` answers where the focus goes when what had it is gone from this container. */
export function keepsFocus(home: (box: HTMLElement) => HTMLElement | null | undefined): Attachment<HTMLElement> {
  return (box) => {
    let last: HTMLElement | undefined;
    const inside = (element: unknown) => (element instanceof HTMLElement && box.contains(element) ? element : undefined);
    const onFocus = (event: FocusEvent) => (last = inside(event.target));
    // Who presses beside everything wants no focus.
    const onPress = (event: Event) => (last = inside(event.target instanceof Element ? event.target.closest(CONTROLS) : null));
    const observer = new MutationObserver(() => {
      const here = document.activeElement;
      if (last === undefined || (here !== null && here !== document.body)) return;
      if (!last.isConnected) home(box)?.focus({ preventScroll: true });
      // A button that could not be pressed while it was busy.
      else if (!(last as HTMLButtonElement).disabled) last.focus({ preventScroll: true });
    });
    observer.observe(box, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] });
    document.addEventListener("focusin", onFocus);
    document.addEventListener("pointerdown", onPress, true);
    return () => {
      observer.disconnect();
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("pointerdown", onPress, true);
    };
  };
}
