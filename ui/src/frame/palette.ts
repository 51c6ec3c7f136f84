// What the palette offers for a query: the prefix, the words, and the commands that match. No drawing.
import type { Binding } from "../keys";

const prefixes: Record<string, string> = { "@": "agent", "#": "task", ":": "resource", "!": "decision", ">": "command" };

/** The kind a prefix asks for; `undefined` asks for everything. */
export function kindOf(query: string): string | undefined {
  return prefixes[query.trimStart().slice(0, 1)];
}

/** The words without the prefix. */
export function rest(query: string): string {
  const words = query.trimStart();
  return (kindOf(words) ? words.slice(1) : words).trim();
}

/** Commands whose label has all words, in any order; one per label. */
export function commandsFor(bindings: Binding[], query: string): Binding[] {
  const kind = kindOf(query);
  if (kind && kind !== "command") return [];
  const words = rest(query).toLowerCase().split(/\s+/).filter(Boolean);
  const seen = new Set<string>();
  return bindings.filter((binding) => {
    if (binding.hidden || seen.has(binding.label)) return false;
    const label = binding.label.toLowerCase();
    if (!words.every((word) => label.includes(word))) return false;
    seen.add(binding.label);
    return true;
  });
}
