// Lists and numbers between a form's line of text and the document's members. What a name means is the host's.

/** `["a", "b"]` → `a, b`. */
export function listed(names: readonly string[] | undefined): string {
  return (names ?? []).join(", ");
}

/** `a, b` → `["a", "b"]`: commas or spaces between, since no agent's name has either. */
export function unlisted(text: string): string[] {
  return text.split(/[,\s]+/).filter((name) => name !== "");
}

/** The number, or `null` when nothing sensible was typed: then the host says what is missing. */
export function number(text: string): number | null {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() === "" || !Number.isFinite(value) ? null : value;
}
