// Ports as a person types them: numbers with spaces or commas between.
import { words } from "./text";

/** With the usual ones, no more than the engine asks in one look round. */
const MOST = 48;

export function readPorts(typed: string): { ports: number[]; problem: string | null } {
  const parts = typed.split(/[\s,;]+/).filter((part) => part !== "");
  const wrong = parts.find((part) => !/^[0-9]{1,5}$/.test(part) || Number(part) < 1 || Number(part) > 65535);
  if (wrong !== undefined) return { ports: [], problem: words.noPort(wrong.slice(0, 24)) };
  if (parts.length > MOST) return { ports: [], problem: words.manyPorts(MOST) };
  return { ports: parts.map(Number), problem: null };
}
