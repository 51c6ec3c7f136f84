// Positions and heights set through the style object, because the content security policy refuses style attributes.

/** Puts an absolutely placed row `y` pixels down. */
export function place(node: HTMLElement, y: number): { update: (y: number) => void } {
  const put = (to: number): void => {
    node.style.transform = `translateY(${to}px)`;
  };
  put(y);
  return { update: put };
}

/** Gives the scrolled content its full height, so that the scroll bar tells the truth about what is not drawn. */
export function tall(node: HTMLElement, height: number): { update: (height: number) => void } {
  const put = (to: number): void => {
    node.style.height = `${to}px`;
  };
  put(height);
  return { update: put };
}
