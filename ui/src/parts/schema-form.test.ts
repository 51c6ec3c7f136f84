import { expect, test } from "vitest";
import { fieldsOf, jsonOf, presets, problems } from "./schema-form";

const schema = {
  type: "object",
  properties: {
    pages: { type: "integer", minimum: 1, maximum: 500, default: 50 },
    price: { type: "number" },
    hosts: { type: "array", items: { type: "string" } },
    images: { type: "boolean" },
    tone: { enum: ["plain", "long", 3] },
    who: { type: "object", properties: { name: { type: "string", minLength: 2 } }, required: ["name"] },
  },
  required: ["pages", "who"],
};

test("a form begins with the presets and answers what was typed", () => {
  const fields = fieldsOf(schema) ?? [];
  const entries = { ...presets(fields), "/price": "1.10", "/hosts": "a.example\n\n b.example", "/tone": "3", "/who/name": "Ada" };
  expect(problems(fields, entries)).toEqual({});
  expect(jsonOf(fields, entries)).toBe('{"pages":50,"price":1.10,"hosts":["a.example","b.example"],"tone":3,"who":{"name":"Ada"}}');
});

test("each wrong entry says what it needs", () => {
  const fields = fieldsOf(schema) ?? [];
  expect(problems(fields, { "/pages": "501", "/price": "abc", "/who/name": "A" })).toEqual({
    "/pages": "At most 500.",
    "/price": "A number.",
    "/who/name": "At least 2 signs.",
  });
  expect(problems(fields, {})).toEqual({ "/pages": "This is needed.", "/who/name": "This is needed." });
});

test.each([
  [{ type: "string" }],
  [null],
  [{ type: "object" }],
  [{ type: "object", properties: { a: { oneOf: [] } } }],
  [{ type: "object", properties: { a: { type: "string", pattern: "^a" } } }],
  [{ type: "object", properties: { a: { type: "array", items: { type: "object" } } } }],
  [{ type: "object", properties: { a: { $ref: "#/x" } } }],
])("%j is answered as JSON text", (beyond) => expect(fieldsOf(beyond)).toBeUndefined());
