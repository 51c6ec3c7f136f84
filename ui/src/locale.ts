// Repairs the language the engine reports (for example "C" or "en_US.UTF-8") so that every `Intl` call is safe.
// It does not translate anything.

/** A language tag `Intl` accepts: the given one when it is valid, else British English. */
export function safeLocale(reported: string | undefined): string {
  const tag = (reported ?? "").split(/[.@]/)[0]?.replaceAll("_", "-") ?? "";
  if (!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(tag)) return "en-GB";
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en-GB";
  } catch {
    return "en-GB";
  }
}

export const locale = safeLocale(globalThis.navigator?.language);

if (globalThis.navigator && navigator.language !== locale) {
  try {
    Object.defineProperty(navigator, "language", { value: locale, configurable: true });
    Object.defineProperty(navigator, "languages", { value: [locale], configurable: true });
  } catch {
    // Frozen in this engine; our own calls use `locale` anyway.
  }
}
