/** What stands in a form, as text until it is written down as JSON: no number is ever a binary float. */
import { ExactNumber } from "@broadtape/protocol/json";
import type { Field } from "./schema-field.ts";

/** Text as it was typed, in the shape of the schema. Empty text, and what is missing, is left out. */
export type Draft = string | readonly Draft[] | DraftObject;
export interface DraftObject {
  readonly [name: string]: Draft;
}

/** What to begin with for a field of this name; empty for none. */
export type Suggest = (name: string, field: Field) => string;

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** What must be filled in, filled in as far as it can be guessed. What may be left out is left out. */
export function newDraft(field: Field, suggest: Suggest, name = ""): Draft {
  switch (field.kind) {
    case "object": {
      const needed = field.entries.filter(({ isRequired }) => isRequired);
      return Object.fromEntries(needed.map((entry) => [entry.name, newDraft(entry.field, suggest, entry.name)]));
    }
    case "list":
      return [newDraft(field.item, suggest, name)];
    case "choice":
      return field.options[0] ?? "";
    case "flag":
      return "false";
    default:
      return suggest(name, field);
  }
}

/** JSON text; undefined where there is nothing. */
export function writeDraft(field: Field, draft: Draft): string | undefined {
  if (isNamed(draft)) {
    const known = new Map(field.kind === "object" ? field.entries.map((entry) => [entry.name, entry.field]) : []);
    const parts = Object.entries(draft).flatMap(([name, each]) => {
      const text = writeDraft(known.get(name) ?? { kind: "json" }, each);
      return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
    });
    return `{${parts.join(",")}}`;
  }
  if (typeof draft !== "string") {
    const item: Field = field.kind === "list" ? field.item : { kind: "json" };
    return `[${draft.map((each) => writeDraft(item, each) ?? '""').join(",")}]`;
  }
  return draft.trim() === "" ? undefined : writeText(field, draft);
}

function writeText(field: Field, text: string): string {
  const trimmed = text.trim();
  switch (field.kind) {
    case "number":
      // What is no number is sent as it is: the server says so beside the field.
      return NUMBER.test(trimmed) ? trimmed : JSON.stringify(trimmed);
    case "time":
      return /^\d+$/.test(trimmed) ? trimmed : JSON.stringify(trimmed);
    case "flag":
      return trimmed === "true" ? "true" : "false";
    case "json":
      return isJson(trimmed) ? trimmed : JSON.stringify(text);
    case "decimal":
    case "choice":
      return JSON.stringify(trimmed);
    default:
      return JSON.stringify(text);
  }
}

/** A value as it comes out of `parseJson`, as a draft. What the field does not know is kept as JSON text. */
export function readDraft(field: Field, value: unknown): Draft {
  if (value === null || value === undefined) return "";
  if (field.kind === "object" && isRecord(value)) {
    const known = new Map(field.entries.map((entry) => [entry.name, entry.field]));
    const parts = Object.entries(value).filter(([name, each]) => each !== null || !known.has(name));
    return Object.fromEntries(parts.map(([name, each]) => [name, readDraft(known.get(name) ?? { kind: "json" }, each)]));
  }
  if (field.kind === "list" && Array.isArray(value)) return value.map((each) => readDraft(field.item, each));
  if (field.kind === "json") return JSON.stringify(value);
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || value instanceof ExactNumber) return String(value);
  return JSON.stringify(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function isNamed(draft: Draft): draft is DraftObject {
  return typeof draft === "object" && !Array.isArray(draft);
}

/** Whether a parsed value is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
