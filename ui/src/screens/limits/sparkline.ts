// The small line of a window's history: points in the unit square to SVG coordinates. Breaks where use falls (a reset),
// so that a fall is never drawn as a slope through time nobody measured.
import type { PointView } from "../../api/generated/PointView";

export interface Sparkline {
  /** Each is the `points` of one SVG polyline. */
  lines: string[];
  /** The newest point. */
  last: { x: number; y: number } | null;
}

/** Use that falls by more than this much between two points is a reset. */
const RESET = 5;

export function sparkline(points: readonly PointView[], width: number, height: number): Sparkline {
  const known = points
    .map((point) => ({ at: Date.parse(point.at), used: point.usedPercent }))
    .filter((point) => Number.isFinite(point.at) && Number.isFinite(point.used))
    .sort((a, b) => a.at - b.at);
  const first = known[0];
  const newest = known[known.length - 1];
  if (first === undefined || newest === undefined || newest.at === first.at) return { lines: [], last: null };
  const span = newest.at - first.at;
  const place = (point: { at: number; used: number }): { x: number; y: number } => ({
    x: round(((point.at - first.at) / span) * width),
    y: round(height - (Math.max(0, Math.min(100, point.used)) / 100) * height),
  });
  const lines: string[][] = [[]];
  let before: number | null = null;
  for (const point of known) {
    if (before !== null && before - point.used > RESET) lines.push([]);
    const { x, y } = place(point);
    lines[lines.length - 1]?.push(`${x},${y}`);
    before = point.used;
  }
  return { lines: lines.filter((line) => line.length > 1).map((line) => line.join(" ")), last: place(newest) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
