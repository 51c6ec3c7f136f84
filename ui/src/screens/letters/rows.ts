// The list of dead letters: causes with their letters under them, narrowed by what is typed. It counts and
// orders nothing; that is the host's.
import type { LetterGroup } from "../../api/generated/LetterGroup";
import type { LetterItem } from "../../api/generated/LetterItem";

export type Cause = { group: LetterGroup; items: LetterItem[] };

/** The causes of which a letter is left, with those. */
export function causesOf(groups: LetterGroup[], typed: string): Cause[] {
  const asked = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text: string) => asked.every((word) => text.toLowerCase().includes(word));
  return groups
    .map((group) => {
      const cause = `${group.agent} ${group.endpoint} ${group.path} ${group.rule} ${group.what} ${group.sentence.text}`;
      return { group, items: group.letters.filter((letter) => has(`${cause} ${letter.title.text} ${letter.item}`)) };
    })
    .filter(({ items }) => items.length > 0);
}

/** Letters that are handled together: by key, the digest of what was seen when each was chosen. */
export type Chosen = ReadonlyMap<string, string>;

/** Letters chosen together must have one cause; another cause begins anew. One that came again is chosen as it is now. */
export function toggled(chosen: Chosen, key: string, group: LetterGroup): Chosen {
  const now = new Map(group.letters.map((letter) => [letter.key, letter.digest]));
  const kept = new Map([...chosen].filter(([each]) => now.has(each)));
  const digest = now.get(key);
  if (digest === undefined || kept.get(key) === digest) kept.delete(key);
  else kept.set(key, digest);
  return kept;
}

/** All of a cause as they are now; none when they are chosen so. */
export function allToggled(chosen: Chosen, group: LetterGroup): Chosen {
  const all = group.letters.every((letter) => chosen.get(letter.key) === letter.digest);
  return new Map(all ? [] : group.letters.map((letter) => [letter.key, letter.digest]));
}
