/** An event type's JSON Schema as the fields of a form. */

export type Field =
  | { readonly kind: "object"; readonly entries: readonly Entry[] }
  | { readonly kind: "list"; readonly item: Field }
  | { readonly kind: "choice"; readonly options: readonly string[] }
  | { readonly kind: "flag" }
  | { readonly kind: "text"; readonly isLong: boolean }
  /** A JSON number: written as a literal, digit for digit. */
  | { readonly kind: "number"; readonly isWhole: boolean }
  /** A number, or text of one: written as text, which keeps its digits everywhere. */
  | { readonly kind: "decimal" }
  /** ISO 8601, or milliseconds since the epoch. */
  | { readonly kind: "time" }
  /** Whatever the schema says no more of. */
  | { readonly kind: "json" };

export interface Entry {
  readonly name: string;
  readonly field: Field;
  readonly isRequired: boolean;
}

type Schema = Readonly<Record<string, unknown>>;

/** Schemas that refer to themselves would have no end. */
const MAX_DEPTH = 12;
/** Text that may be longer gets more than a line. */
const LINE_LENGTH = 512;

/** What a form asks for, for values of this schema. Null is never asked for: what is left empty is left out. */
export function fieldOf(schema: unknown, depth = 0): Field {
  if (!isObject(schema) || depth > MAX_DEPTH) return { kind: "json" };
  const forms = formsOf(schema);
  const [only] = forms;
  if (only === undefined) return { kind: "json" };
  if (forms.length > 1) return unionOf(forms);
  if (Array.isArray(only["enum"]) && only["enum"].every((each) => typeof each === "string"))
    return { kind: "choice", options: only["enum"] };
  switch (only["type"]) {
    case "object":
      return objectOf(only, depth);
    case "array":
      return { kind: "list", item: fieldOf(only["items"], depth + 1) };
    case "boolean":
      return { kind: "flag" };
    case "number":
      return { kind: "number", isWhole: false };
    case "integer":
      return { kind: "number", isWhole: true };
    case "string":
      if (typeof only["const"] === "string") return { kind: "choice", options: [only["const"]] };
      return only["format"] === "date-time" ? { kind: "time" } : { kind: "text", isLong: Number(only["maxLength"] ?? 0) > LINE_LENGTH };
    default:
      return { kind: "json" };
  }
}

function objectOf({ properties, required }: Schema, depth: number): Field {
  if (!isObject(properties)) return { kind: "json" };
  const needed = new Set(Array.isArray(required) ? required : []);
  const entries = Object.entries(properties).map(([name, schema]) => ({
    name,
    field: fieldOf(schema, depth + 1),
    isRequired: needed.has(name),
  }));
  return { kind: "object", entries };
}

/** The alternatives without null, those of alternatives included. */
function formsOf(schema: Schema): readonly Schema[] {
  const alternatives = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(alternatives)) return alternatives.filter(isObject).flatMap(formsOf);
  const { type } = schema;
  if (Array.isArray(type)) return type.filter((each) => each !== "null").map((each: unknown) => ({ ...schema, type: each }));
  return type === "null" ? [] : [schema];
}

function unionOf(forms: readonly Schema[]): Field {
  const types = new Set(forms.map(({ type }) => type));
  const isTime = forms.some(({ format }) => format === "date-time");
  if (types.size === 2 && types.has("string") && (types.has("number") || types.has("integer")))
    return { kind: isTime ? "time" : "decimal" };
  return { kind: "json" };
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
