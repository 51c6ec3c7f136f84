// Reads the interface's own source files for the lint tests.
import { readdirSync, readFileSync } from "node:fs";

export type Source = { path: string; text: string };

/** All files under `src` with one of these endings, without the generated ones; paths with `/`. */
export function sources(...endings: string[]): Source[] {
  return readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && !path.includes("/generated/"))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
}
