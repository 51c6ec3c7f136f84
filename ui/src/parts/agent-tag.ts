// The letters and the outline of an agent's mark, from its id alone, so that it is the same everywhere and always.

/** First letters of the first two words, or the first two letters. */
export function letters(agent: string): string {
  const words = agent.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const first = [...(words[0] ?? "?")];
  const second = words[1] === undefined ? first[1] : [...words[1]][0];
  return `${first[0] ?? "?"}${second ?? ""}`.toLowerCase();
}

/** 0 to 15: which corners are cut. */
export function pattern(agent: string): number {
  let hash = 2166136261;
  for (const sign of agent) hash = Math.imul(hash ^ (sign.codePointAt(0) ?? 0), 16777619);
  return ((hash >>> 0) ^ (hash >>> 16)) & 15;
}

/** The outline in a 16 by 16 box. */
export function cutPath(agent: string): string {
  const cut = pattern(agent);
  const corner = (bit: number, sharp: string, notched: string): string => ((cut & bit) === 0 ? sharp : notched);
  return [
    `M${corner(1, "0.5 0.5", "0.5 5L5 0.5")}`,
    `L${corner(2, "15.5 0.5", "11 0.5L15.5 5")}`,
    `L${corner(4, "15.5 15.5", "15.5 11L11 15.5")}`,
    `L${corner(8, "0.5 15.5", "5 15.5L0.5 11")}Z`,
  ].join("");
}
