// The reasons a person gave before, for one-tap refusing. Kept in this window's storage; losing them loses nothing else.

const KEY = "reasons";

function past(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each): each is string => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/** Three reasons: the latest given, filled up with `usual` ones. Long ones do not fit a button. */
export function learnt(usual: string[]): string[] {
  return [...new Set([...past().filter((reason) => reason.length <= 40), ...usual])].slice(0, 3);
}

export function remember(reason: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([reason, ...past().filter((each) => each !== reason)].slice(0, 10)));
  } catch {
    // No storage: the usual reasons stay.
  }
}
