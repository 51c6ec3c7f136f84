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

/** Letters chosen together must have one cause; another cause begins anew. */
export function toggled(chosen: ReadonlySet<string>, key: string, group: LetterGroup): Set<string> {
  const same = group.letters.map((letter) => letter.key);
  const kept = new Set([...chosen].filter((each) => same.includes(each)));
  if (!kept.delete(key)) kept.add(key);
  return kept;
}
