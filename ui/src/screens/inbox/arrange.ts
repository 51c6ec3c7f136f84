// The order of the list while it is in use: nothing moves under the hand, new items wait, settled ones stay as finished
// cards. Pure.
import type { InboxItem } from "../../api/generated/InboxItem";
import type { InboxView } from "../../api/generated/InboxView";

export type Arranged = {
  view: InboxView;
  /** How many items wait behind the pill. */
  waiting: number;
  /** Keys that are settled but still stand in their place. */
  settled: ReadonlySet<string>;
};

export function arrange(shown: Arranged | undefined, fresh: InboxView, inUse: boolean): Arranged {
  if (!shown || !inUse) return { view: fresh, waiting: 0, settled: new Set() };
  const now = new Map<string, InboxItem>();
  for (const group of fresh.groups) for (const item of group.items) now.set(item.key, item);
  const settled = new Set<string>();
  const known = new Set<string>();
  const groups = fresh.groups.map((group) => {
    const before = shown.view.groups.find((each) => each.id === group.id);
    const items = (before?.items ?? []).map((item) => {
      known.add(item.key);
      const newer = group.items.find((each) => each.key === item.key);
      if (newer) return newer;
      settled.add(item.key);
      return now.get(item.key) ?? item;
    });
    return { ...group, items };
  });
  const waiting = fresh.groups.reduce(
    (sum, group) => sum + (group.id === "handled" ? 0 : group.items.filter((item) => !known.has(item.key)).length),
    0,
  );
  return { view: { ...fresh, groups }, waiting, settled };
}

/** What follows `key` when it is done: the next open item, else the one before. */
export function nextOf(arranged: Arranged, key: string): string | undefined {
  const open = arranged.view.groups.filter((group) => group.id !== "handled").flatMap((group) => group.items.map((item) => item.key));
  const at = open.indexOf(key);
  const free = (each: string) => each !== key && !arranged.settled.has(each);
  return open.slice(at + 1).find(free) ?? open.slice(0, Math.max(0, at)).reverse().find(free);
}

/** `e:<endpoint>/<escalation>` or `f:<episode>`; an endpoint's name has no slash. */
export function parseKey(key: string): { endpoint: string; escalation: string } | { finding: string } | undefined {
  if (key.startsWith("f:")) return { finding: key };
  const slash = key.indexOf("/");
  if (!key.startsWith("e:") || slash < 0) return undefined;
  return { endpoint: key.slice(2, slash), escalation: key.slice(slash + 1) };
}
