/**
 * What a database can check of an event's data when a service publishes it: the JSON Schema of each type, as predicates of SQL's `jsonpath` in PostgreSQL's words. They refuse nothing that a node
 * takes. What they cannot say is found out when the batch is moved.
 */
import { z } from "zod";
import type { Product } from "../engine/product.ts";

/** One thing that a value must be, or an object must have. */
export interface Check {
  /** Names of members from `data` down to it; `[*]`: of each element. */
  readonly path: readonly string[];
  readonly says: string;
  /** Finds something where it is wrong. Nothing, or an error, where it is good or not there. */
  readonly fault?: string;
  /** Where it is a text: characters at most. */
  readonly longest?: number;
}

type Schema = z.core.JSONSchema.JSONSchema;
/** `jsonSchema`: what is said of a schema that zod cannot describe (protocol/schema.ts). */
type Described = z.core.JSONSchema._JSONSchema & { readonly jsonSchema?: Schema };

/** Each type that services may publish. */
export function typesOf(products: readonly Pick<Product, "types">[]): Map<string, readonly Check[]> {
  return new Map(
    products.flatMap(({ types }) =>
      Object.entries(types).flatMap(([name, type]) => (type.internal === true ? [] : [[name, checksOf(type.schema)] as const])),
    ),
  );
}

export function checksOf(schema: z.ZodType): readonly Check[] {
  return checksIn(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), { path: [], place: "$", mode: "strict" });
}

interface Spot {
  readonly path: readonly string[];
  /** The same for `jsonpath`. */
  readonly place: string;
  /** Strict as long as there is one value; else a member that one element lacks would hide what is wrong with another. */
  readonly mode: "strict" | "lax";
}

function checksIn(described: Described, spot: Spot): Check[] {
  const schema = schemaOf(described);
  const { path, place, mode } = spot;
  const checks: Check[] = [];
  const good = predicateOf(schema);
  if (good !== undefined) checks.push({ path, says: `must be ${wordsFor(schema)}`, fault: `${mode} ${place} ? (!(${good}))` });
  const longest = longestOf(schema);
  if (longest !== undefined) checks.push({ path, says: `must be a text of at most ${longest} characters`, longest });
  const object = theOnly(schema, "object");
  for (const name of object?.required ?? []) {
    const fault = `lax ${place} ? (@.type() == "object" && !exists(@.${JSON.stringify(name)}))`;
    checks.push({ path: [...path, name], says: "is required", fault });
  }
  for (const [name, member] of Object.entries(object?.properties ?? {}))
    checks.push(...checksIn(member, { path: [...path, name], place: `${place}.${JSON.stringify(name)}`, mode }));
  const items = theOnly(schema, "array")?.items;
  if (items !== undefined && !Array.isArray(items))
    checks.push(...checksIn(items, { path: [...path, "[*]"], place: `${place}[*]`, mode: "lax" }));
  return checks;
}

/** Undefined where it may be anything. */
function schemaOf(described: Described): Schema | undefined {
  return typeof described === "boolean" ? undefined : (described.jsonSchema ?? described);
}

function alternatives({ anyOf }: Schema): readonly (Schema | undefined)[] | undefined {
  return anyOf?.map(schemaOf);
}

/** Where only one of the alternatives is of this type, what lies below it is described by that one. */
function theOnly(schema: Schema | undefined, type: "array" | "object"): Schema | undefined {
  const found = schema && [schema, ...(alternatives(schema) ?? [])].filter((each) => each?.type === type);
  return found?.length === 1 ? found[0] : undefined;
}

/** What is true of `@` where the value is good; undefined where that cannot be said. */
function predicateOf(schema: Schema | undefined): string | undefined {
  if (schema === undefined) return undefined;
  const several = alternatives(schema);
  if (several !== undefined) return either(several.map(predicateOf));
  if (schema.const !== undefined) return equals(schema.const);
  if (schema.enum !== undefined) return either(schema.enum.map(equals));
  const { type } = schema;
  if (Array.isArray(type)) return either(type.map((each) => ofType({ ...schema, type: each })));
  return ofType(schema);
}

function either(predicates: readonly (string | undefined)[]): string | undefined {
  return predicates.length === 0 || predicates.includes(undefined) ? undefined : predicates.map((each) => `(${each ?? ""})`).join(" || ");
}

function equals(value: unknown): string | undefined {
  return typeof value === "string" ? `@.type() == "string" && @ == ${JSON.stringify(value)}` : undefined;
}

function ofType({ type, minimum, maximum, maxItems, minLength, pattern }: Schema): string | undefined {
  if (type === undefined) return undefined;
  const parts = [`@.type() == ${JSON.stringify(type === "integer" ? "number" : type)}`];
  if (type === "integer") parts.push("@.floor() == @");
  if (minimum !== undefined) parts.push(`@ >= ${minimum}`);
  if (maximum !== undefined) parts.push(`@ <= ${maximum}`);
  if (type === "array" && maxItems !== undefined) parts.push(`@.size() <= ${maxItems}`);
  if (type === "string" && minLength !== undefined && minLength > 0) parts.push('@ != ""');
  const regex = pattern === undefined ? undefined : regexOf(pattern);
  if (type === "string" && regex !== undefined) parts.push(`@ like_regex ${JSON.stringify(regex)}`);
  return parts.join(" && ");
}

/** Escapes that PostgreSQL does not know or reads in another way, what is looked ahead for, and classes within classes. */
const UNKNOWN = /\\[A-Zabce-rtvx-z0-9]|\\u0000|\(\?[^:]|\[[^\]]*\[[.:=]/;
/** PostgreSQL repeats at most 255 times. */
const MOST_TIMES = 255;

/** The same, or one that takes more, as PostgreSQL writes it; undefined where it does not. */
function regexOf(pattern: string): string | undefined {
  const regex = pattern
    // Its texts hold no U+0000.
    .replaceAll("[^\\u0000-", "[^\\u0001-")
    .replace(/\{(\d+),(\d+)\}/g, (times, least: string, most: string) => (Number(most) > MOST_TIMES ? `{${least},}` : times));
  return UNKNOWN.test(regex) ? undefined : regex;
}

/** Of what is a text or null. */
function longestOf(schema: Schema | undefined): number | undefined {
  const [only, ...others] = schema === undefined ? [] : (alternatives(schema) ?? [schema]).filter((each) => each?.type !== "null");
  if (only?.type !== "string" || others.length > 0) return undefined;
  const inPattern = OF_ONE_CLASS.exec(only.pattern ?? "")?.[1];
  return only.maxLength ?? (inPattern === undefined ? undefined : Number(inPattern));
}

/** A pattern that says how many characters of a class there are at most. */
const OF_ONE_CLASS = /^\^\[(?:\\.|[^\]\\])*\]\{\d+,(\d+)\}\$$/;

function wordsFor(schema: Schema | undefined): string {
  const { anyOf, enum: values, type, format, pattern, minimum, maximum, minLength } = schema ?? {};
  if (anyOf !== undefined) return [...new Set(anyOf.map((each) => wordsFor(schemaOf(each))))].join(", or ");
  if (values !== undefined) return `one of ${values.join(", ")}`;
  if (Array.isArray(type)) return type.join(" or ");
  if (format === "date-time") return "an RFC 3339 time";
  if (pattern !== undefined) return `a text like ${pattern}`;
  if (type === "integer") return `a whole number from ${minimum ?? "-∞"} to ${maximum ?? "∞"}`;
  if (type === "string") return minLength === undefined ? "a text" : "a text that is not empty";
  return type === "null" ? "null" : `${type === "array" || type === "object" ? "an" : "a"} ${String(type)}`;
}
