// Recomputes the design's contrasts from the tokens: WCAG 2 ratios for every text and background, and how far the four
// attention colours stay apart for colour-blind eyes (Machado et al. 2009, severity 1; OKLab distance times 100).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");

function theme(selector: string): Map<string, string> {
  const body = css.slice(css.indexOf(`${selector} {`)).split("}")[0] ?? "";
  return new Map([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((found) => [found[1] ?? "", found[2] ?? ""]));
}

const dark = theme(":root");
const light = new Map([...dark, ...theme(':root[data-theme="light"]')]);
type Rgb = [number, number, number];

function linear(hex: string): Rgb {
  const part = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(1), part(3), part(5)];
}

function luminance(hex: string): number {
  const [r, g, b] = linear(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const machado: Record<string, number[]> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

function oklab(hex: string, vision: string): Rgb {
  const m = machado[vision] ?? [];
  const [r, g, b] = linear(hex);
  const seen = [0, 3, 6].map((row) =>
    Math.min(1, Math.max(0, (m[row] ?? 0) * r + (m[row + 1] ?? 0) * g + (m[row + 2] ?? 0) * b)),
  ) as Rgb;
  const l = Math.cbrt(0.4122214708 * seen[0] + 0.5363325363 * seen[1] + 0.0514459929 * seen[2]);
  const mm = Math.cbrt(0.2119034982 * seen[0] + 0.6806995451 * seen[1] + 0.1073969566 * seen[2]);
  const s = Math.cbrt(0.0883024619 * seen[0] + 0.2817188376 * seen[1] + 0.6299787005 * seen[2]);
  return [
    0.2104542553 * l + 0.793617785 * mm - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * mm + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * mm - 0.808675766 * s,
  ];
}

const backgrounds = ["bg-0", "bg-1", "bg-2", "bg-3"];
const washes = ["wash-you", "wash-broken"];

describe.each([
  ["dark", dark, { tritan: 8, other: 11 }],
  ["light", light, { tritan: 7.9, other: 11 }],
] as const)("%s theme", (_, tokens, least) => {
  const of = (name: string) => tokens.get(name) ?? "";
  const lowest = (fronts: string[], backs: string[]) =>
    Math.min(...fronts.flatMap((front) => backs.map((back) => ratio(of(front), of(back)))));

  test("text is at least 4.5 to 1 on every background", () => {
    expect(lowest(["text-1", "text-2", "text-3", "you-text", "focus", "broken"], backgrounds)).toBeGreaterThanOrEqual(4.5);
  });
  test("text is at least 4.5 to 1 on washes", () => {
    expect(lowest(["text-1", "text-2", "you-text"], washes)).toBeGreaterThanOrEqual(4.5);
  });
  test("a diff is at least 11 to 1", () => {
    expect(lowest(["text-1"], ["diff-added", "diff-removed"])).toBeGreaterThanOrEqual(11);
  });
  test("the main button is at least 7 to 1", () => expect(ratio(of("ink"), of("on-ink"))).toBeGreaterThanOrEqual(7));
  test("shapes and control borders are at least 3 to 1", () => {
    expect(lowest(["line-2", "live", "you", "broken", "idle", "ok", "focus"], backgrounds)).toBeGreaterThanOrEqual(3);
  });
  test.each(Object.keys(machado))("the attention colours stay apart for %s vision", (vision) => {
    const names = ["idle", "live", "you", "broken"];
    const distances = names.flatMap((a, at) =>
      names.slice(at + 1).map((b) => {
        const [p, q] = [oklab(of(a), vision), oklab(of(b), vision)];
        return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) * 100;
      }),
    );
    expect(Math.min(...distances)).toBeGreaterThanOrEqual(vision === "tritan" ? least.tritan : least.other);
  });
});
