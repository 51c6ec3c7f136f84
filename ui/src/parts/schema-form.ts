// A form from a JSON Schema, for the subset that a person can fill in: text, numbers, yes or no, one of a few, lists of
// those, objects up to three deep. Anything else is answered as JSON text. The host checks the answer again.

export type Field = {
  name: string;
  path: string;
  label: string;
  hint: string | undefined;
  required: boolean;
} & (
  | { kind: "text"; format: string | undefined; least: number | undefined; most: number | undefined; preset: string }
  | { kind: "number"; whole: boolean; least: number | undefined; most: number | undefined; preset: string }
  | { kind: "yes-no"; preset: string }
  | { kind: "choice"; choices: string[]; preset: string }
  | { kind: "list"; of: "text" | "number" | "integer"; preset: string }
  | { kind: "group"; fields: Field[] }
);

type Schema = Record<string, unknown>;

const scalar = ["string", "number", "integer", "boolean"];
const known = new Set([
  "type", "title", "description", "default", "enum", "format", "minLength", "maxLength", "minimum", "maximum",
  "properties", "required", "items", "additionalProperties", "$schema", "$id", "examples",
]);

/** The fields of an object schema; `undefined` when something in it is beyond the subset. */
export function fieldsOf(schema: unknown, path = "", depth = 1): Field[] | undefined {
  if (!isSchema(schema) || !plain(schema) || schema["type"] !== "object" || !isSchema(schema["properties"])) return undefined;
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const fields: Field[] = [];
  for (const [name, inner] of Object.entries(schema["properties"])) {
    const field = fieldOf(name, inner, `${path}/${name}`, required.includes(name), depth);
    if (!field) return undefined;
    fields.push(field);
  }
  return fields.length > 0 ? fields : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function plain(schema: Schema): boolean {
  return Object.keys(schema).every((key) => known.has(key));
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const number = (value: unknown) => (typeof value === "number" ? value : undefined);

function fieldOf(name: string, schema: unknown, path: string, required: boolean, depth: number): Field | undefined {
  if (!isSchema(schema) || !plain(schema)) return undefined;
  const shared = { name, path, label: text(schema["title"]) ?? name, hint: text(schema["description"]), required };
  const preset = schema["default"];
  const choices = schema["enum"];
  if (choices !== undefined) {
    if (!Array.isArray(choices) || choices.length === 0 || choices.some((choice) => typeof choice === "object" && choice !== null)) return undefined;
    return { ...shared, kind: "choice", choices: choices.map((choice) => JSON.stringify(choice)), preset: preset === undefined ? "" : JSON.stringify(preset) };
  }
  switch (schema["type"]) {
    case "string":
      return {
        ...shared, kind: "text", format: text(schema["format"]), least: number(schema["minLength"]), most: number(schema["maxLength"]),
        preset: text(preset) ?? "",
      };
    case "number":
    case "integer":
      return {
        ...shared, kind: "number", whole: schema["type"] === "integer", least: number(schema["minimum"]), most: number(schema["maximum"]),
        preset: number(preset)?.toString() ?? "",
      };
    case "boolean":
      return { ...shared, kind: "yes-no", preset: typeof preset === "boolean" ? String(preset) : "" };
    case "array": {
      const items = schema["items"];
      if (!isSchema(items) || !plain(items) || items["enum"] !== undefined || !scalar.includes(String(items["type"])) || items["type"] === "boolean") return undefined;
      const of = items["type"] === "string" ? "text" : (items["type"] as "number" | "integer");
      return { ...shared, kind: "list", of, preset: Array.isArray(preset) ? preset.map(String).join("\n") : "" };
    }
    case "object": {
      const fields = depth < 3 ? fieldsOf(schema, path, depth + 1) : undefined;
      return fields && { ...shared, kind: "group", fields };
    }
    default:
      return undefined;
  }
}

/** What the fields begin with, by path. */
export function presets(fields: Field[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((field) => (field.kind === "group" ? Object.entries(presets(field.fields)) : [[field.path, field.preset] as const])),
  );
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WHOLE = /^-?(?:0|[1-9]\d*)$/;

/** What is wrong with one entry, in a sentence. */
export function problemOf(field: Field, entry: string): string | undefined {
  if (field.kind === "group") return undefined;
  if (entry === "") return field.required && field.kind !== "list" ? "This is needed." : undefined;
  switch (field.kind) {
    case "text":
      if (field.least !== undefined && [...entry].length < field.least) return `At least ${field.least} signs.`;
      if (field.most !== undefined && [...entry].length > field.most) return `At most ${field.most} signs.`;
      return undefined;
    case "number": {
      if (!(field.whole ? WHOLE : NUMBER).test(entry)) return field.whole ? "A whole number." : "A number.";
      const value = Number(entry);
      if (field.least !== undefined && value < field.least) return `At least ${field.least}.`;
      if (field.most !== undefined && value > field.most) return `At most ${field.most}.`;
      return undefined;
    }
    case "list": {
      if (field.of === "text") return undefined;
      const pattern = field.of === "integer" ? WHOLE : NUMBER;
      const wrong = lines(entry).find((line) => !pattern.test(line));
      return wrong === undefined ? undefined : `${wrong} is no ${field.of === "integer" ? "whole " : ""}number.`;
    }
    default:
      return undefined;
  }
}

function lines(entry: string): string[] {
  return entry.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** All problems by path. */
export function problems(fields: Field[], entries: Record<string, string>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const field of fields) {
    if (field.kind === "group") Object.assign(found, problems(field.fields, entries));
    else {
      const problem = problemOf(field, entries[field.path] ?? "");
      if (problem) found[field.path] = problem;
    }
  }
  return found;
}

/** The answer as JSON text; numbers keep the digits that were typed, empty optional entries are left out. */
export function jsonOf(fields: Field[], entries: Record<string, string>): string {
  const members = fields.flatMap((field) => {
    const value = valueOf(field, entries);
    return value === undefined ? [] : [`${JSON.stringify(field.name)}:${value}`];
  });
  return `{${members.join(",")}}`;
}

function valueOf(field: Field, entries: Record<string, string>): string | undefined {
  if (field.kind === "group") {
    const inner = jsonOf(field.fields, entries);
    return inner === "{}" && !field.required ? undefined : inner;
  }
  const entry = entries[field.path] ?? "";
  if (field.kind === "list") {
    if (entry.trim() === "" && !field.required) return undefined;
    return `[${lines(entry).map((line) => (field.of === "text" ? JSON.stringify(line) : line)).join(",")}]`;
  }
  if (entry === "") return undefined;
  return field.kind === "text" ? JSON.stringify(entry) : entry;
}
