// Plays back the schemas that were recorded, and remembers those that are given or taken away. It checks nothing: whether
// a text is a schema, and what it refuses, only the engine knows.
import { CallError } from "./call-error";
import type { SaveSchemaRequest } from "./generated/SaveSchemaRequest";
import type { SchemaRequest } from "./generated/SchemaRequest";
import type { SchemaSaved } from "./generated/SchemaSaved";
import type { SchemaText } from "./generated/SchemaText";
import type { SchemaView } from "./generated/SchemaView";
import type { SchemasView } from "./generated/SchemasView";

/** The answer to `schema`, `saveSchema` or `removeSchema`. */
export function answerSchemas(answers: Record<string, unknown>, name: string, request: unknown): SchemaText | SchemaSaved {
  const asked = request as SchemaRequest;
  const key = `schema:${asked.name}`;
  const view = answers["schemas"] as SchemasView;
  const there = view.schemas.find((each) => each.name === asked.name);
  if (name === "saveSchema") {
    const { text } = request as SaveSchemaRequest;
    if (/"\$ref":\s*"https?:/.test(text)) throw new CallError("invalid", "It refers to another address, and nothing is fetched. Put what it needs into it.");
    const addedAt = new Date().toISOString();
    const uses = there?.uses ?? ["No stage and no output names it yet."];
    const kept: SchemaView = { stages: [], artifacts: 0, agents: [], refused: 0, ...there, name: asked.name, known: true, sha256: "", addedAt, bytes: text.length, problem: null, uses };
    answers[key] = { name: asked.name, text, sha256: "", addedAt } satisfies SchemaText;
    put(answers, view, [...view.schemas.filter((each) => each.name !== asked.name), kept]);
    return { sentence: "It is kept, and holds from now on.", refused: 0 };
  }
  if (name === "removeSchema") {
    delete answers[key];
    const named = there !== undefined && (there.stages.length > 0 || there.artifacts > 0);
    const left = named ? [{ ...there, known: false, sha256: null, addedAt: null, bytes: null, refused: 0, problem: "It is named and was never given, so nothing is held to it." }] : [];
    put(answers, view, [...left, ...view.schemas.filter((each) => each.name !== asked.name)]);
    return { sentence: "It is taken away. Nothing is held to it any more.", refused: 0 };
  }
  if (!(key in answers)) throw new CallError("missing", "There is no such schema.");
  return answers[key] as SchemaText;
}

function put(answers: Record<string, unknown>, view: SchemasView, schemas: SchemaView[]): void {
  schemas.sort((one, other) => Number(one.known) - Number(other.known) || one.name.localeCompare(other.name));
  answers["schemas"] = { ...view, schemas, missing: schemas.filter((each) => !each.known).length } satisfies SchemasView;
}
