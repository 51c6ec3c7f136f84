// Positions and sizes set through the style object, because the content security policy refuses style attributes.
import type { Attachment } from "svelte/attachments";

/** Moves an absolutely placed box; pixels from where the style sheet put it. */
export function at(x: number, y: number): Attachment<HTMLElement> {
  return (node) => {
    node.style.transform = `translate(${x}px, ${y}px)`;
  };
}

/** Gives the rows that are not drawn their height. */
export function tall(height: number): Attachment<HTMLElement> {
  return (node) => {
    node.style.height = `${height}px`;
  };
}

/** Height of a row in pixels, by the density that is set. */
export function rowHeight(): number {
  const value = getComputedStyle(document.documentElement).getPropertyValue("--row");
  return Number.parseFloat(value) || 32;
}
