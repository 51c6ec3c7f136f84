// JSON as text: checked and laid out token by token, so that numbers and escapes stay exactly as they were written
// (1.0 stays 1.0, a large integer keeps its digits). It never turns the text into values.

export type JsonProblem = { message: string; line: number };
export type JsonToken = { kind: "open" | "close" | "comma" | "colon" | "scalar"; text: string; at: number };

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

class Reader {
  at = 0;
  tokens: JsonToken[] = [];
  constructor(readonly text: string) {}

  fail(message: string, at = this.at): never {
    const line = this.text.slice(0, at).split("\n").length;
    throw { message, line } satisfies JsonProblem;
  }

  space(): void {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0];
  }

  push(kind: JsonToken["kind"], text: string): void {
    this.tokens.push({ kind, text, at: this.at });
    this.at += text.length;
  }

  value(depth: number): void {
    if (depth > 100) this.fail("This is nested too deeply.");
    this.space();
    const sign = this.text[this.at];
    if (sign === "{" || sign === "[") {
      const end = sign === "{" ? "}" : "]";
      this.push("open", sign);
      this.space();
      if (this.text[this.at] === end) return this.push("close", end);
      const names = new Set<string>();
      for (;;) {
        if (sign === "{") this.member(names);
        this.value(depth + 1);
        this.space();
        const next = this.text[this.at];
        if (next === end) return this.push("close", end);
        if (next !== ",") this.fail(next === undefined ? `A ${end} is missing at the end.` : `A comma or ${end} is missing here.`);
        this.push("comma", ",");
        this.space();
      }
    }
    const scalar = sign === '"' ? this.match(STRING) : (this.match(WORD) ?? this.match(NUMBER));
    if (scalar === undefined) {
      this.fail(sign === undefined ? "Something is missing at the end." : sign === '"' ? "This text has no proper end." : "This is no JSON value.");
    }
    this.push("scalar", scalar);
  }

  member(names: Set<string>): void {
    const name = this.match(STRING);
    if (name === undefined) this.fail("A name in double quotes is missing here.");
    // Readers differ in which of two equal names they believe, so there may not be two.
    const read = JSON.parse(name) as string;
    if (names.has(read)) this.fail(`The name ${name} stands twice.`);
    names.add(read);
    this.push("scalar", name);
    this.space();
    if (this.text[this.at] !== ":") this.fail("A colon is missing after the name.");
    this.push("colon", ":");
  }
}

/** Its tokens, or what is wrong and on which line. */
export function readJson(text: string): { tokens: JsonToken[]; problem: undefined } | { tokens: undefined; problem: JsonProblem } {
  const reader = new Reader(text);
  try {
    reader.value(0);
    reader.space();
    if (reader.at < text.length) reader.fail("Something stands after the end.");
    return { tokens: reader.tokens, problem: undefined };
  } catch (problem) {
    return { tokens: undefined, problem: problem as JsonProblem };
  }
}

/** Laid out with two blanks a level; text that is no JSON comes back as it is. */
export function layOut(text: string): string {
  const { tokens } = readJson(text);
  if (!tokens) return text;
  let out = "";
  let depth = 0;
  const newLine = () => (out += `\n${"  ".repeat(depth)}`);
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    if (token.kind === "close") {
      depth -= 1;
      if (before?.kind !== "open") newLine();
    } else if (before?.kind === "open" || before?.kind === "comma") newLine();
    out += token.text;
    if (token.kind === "open") depth += 1;
    if (token.kind === "colon") out += " ";
  });
  return out;
}

/** Whether two texts say the same, apart from layout. */
export function sameJson(a: string, b: string): boolean {
  const [x, y] = [readJson(a).tokens, readJson(b).tokens];
  return x !== undefined && y !== undefined && x.length === y.length && x.every((token, index) => token.text === y[index]?.text);
}
