// Headings of a text on a page, and that nothing in a Markdown tree becomes an element of its own.
import { cleanup, render } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import type { MarkdownBlock } from "../api/generated/MarkdownBlock";
import { plain } from "./agent-text";
import { headings } from "./markdown";
import Markdown from "./Markdown.svelte";

const words = (text: string) => [{ kind: "text" as const, text: plain(text) }];
const heading = (level: number): MarkdownBlock => ({ kind: "heading", level, inlines: words(`Of level ${level}`) });

afterEach(cleanup);

test.each([
  [[1, 2, 3, 1], [1, 2, 3, 1]],
  [[3, 6, 2, 6], [1, 2, 2, 3]],
  [[], []],
])("headings of the levels %j stand on the page as %j", (written, shown) => {
  const inner = written.map(heading);
  const blocks: MarkdownBlock[] = [{ kind: "quote", blocks: inner.slice(0, 1) }, { kind: "list", start: null, items: [{ checked: null, blocks: inner.slice(1) }] }];
  const levels = headings(blocks);
  expect(inner.map((block) => levels.get(block))).toEqual(shown);
});

test("hostile text stays text: no element, no address and no picture comes from it", () => {
  const blocks: MarkdownBlock[] = [
    { kind: "markup", text: plain("<script>alert(1)</script><img src=x onerror=alert(1)>") },
    { kind: "code", language: plain("html"), text: plain("<b>bold</b>") },
    {
      kind: "paragraph",
      inlines: [
        { kind: "markup", text: plain("<iframe src=//evil.example>") },
        { kind: "image", text: plain("a picture"), address: plain("https://evil.example/p.png") },
        { kind: "link", inlines: words("your bank"), address: plain("javascript:alert(1)"), host: null, refused: "Only web addresses with a host are opened." },
        { kind: "link", inlines: words("the rules"), address: plain("https://example.com/rules"), host: "example.com", refused: null },
      ],
    },
  ];
  const asked: string[][] = [];
  render(Markdown, { blocks, label: "Note", onopen: (address: string, host: string) => asked.push([address, host]) });
  expect(document.querySelectorAll("script, img, iframe, b, a, [href], [src], [onerror]")).toHaveLength(0);
  const shown = document.body.textContent?.replace(/\s+/g, " ") ?? "";
  for (const text of ["<script>alert(1)</script>", "<iframe src=//evil.example>", "https://evil.example/p.png", "your bank javascript:alert(1)", "the rules https://example.com/rules"]) {
    expect(shown).toContain(text);
  }
  const buttons = [...document.querySelectorAll("button")];
  expect(buttons.map((button) => button.title)).toEqual(["Opens example.com in your browser, after asking"]);
  buttons[0]?.click();
  expect(asked).toEqual([["https://example.com/rules", "example.com"]]);
});

test("a link whose words are its address says it once", () => {
  const address = plain("https://example.com");
  const blocks: MarkdownBlock[] = [{ kind: "paragraph", inlines: [{ kind: "link", inlines: words(address.text), address, host: "example.com", refused: null }] }];
  render(Markdown, { blocks, label: "Note", onopen: () => undefined });
  expect(document.body.textContent?.split("https://example.com")).toHaveLength(2);
});
