/** What PostgreSQL says of data, beside what the schemas say. */
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalogue } from "@broadtape/protocol/catalogue";
import { parseJson } from "@broadtape/protocol/json";
import { newDatabase } from "../../../../test/postgres-database.ts";
import { query } from "../../../../test/postgres.ts";
import { type Check, checksOf, typesOf } from "./checks.ts";

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

/** The first thing that is wrong with each, as the function finds it. */
async function faultsOf(checks: readonly Check[], texts: readonly string[]): Promise<(string | null)[]> {
  const rows = await query(
    url,
    `with checks as materialized (
      select place, array(select json_array_elements_text(item -> 'path')) as path, item ->> 'says' as says,
        (item ->> 'longest')::int as longest, (item ->> 'fault')::jsonpath as fault
      from json_array_elements($1) with ordinality as each (item, place))
    select (select array_to_string(path, '.') || ': ' || says from checks
      where length(data #>> path) > longest or jsonb_path_exists(data, fault, '{}', true) order by place limit 1) as fault
    from unnest($2::jsonb[]) with ordinality as each (data, number) order by number`,
    [JSON.stringify(checks), texts],
  );
  return rows.map(({ fault }) => fault as string | null);
}

const VALUES = [
  ...[
    "",
    "a",
    "a b",
    "EUR/USD",
    "1.00",
    "-1",
    "1e5",
    "2026-11-21T12:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "a\nb",
    "1,5",
  ],
  ...[33, 65, 129, 257, 1025, 5000].map((length) => "x".repeat(length)),
  ...["😀".repeat(32), "\u007f", "٣", 0, 1, -1, 1.5, 9e15, true, null, [], ["a"], {}, { a: 1 }],
].map((value) => JSON.stringify(value));
const NUMBERS = [
  "1.10",
  "12345678901234567890.5",
  "-0",
  "1E3",
  "1e300",
  "0.000000000000000000000000000000000000000000000000000000000000000001",
];

type Json = z.core.JSONSchema.JSONSchema & { readonly jsonSchema?: Json };

/** Text that a schema takes. */
function good(schema: Json): string {
  const { jsonSchema, anyOf, enum: values, properties = {}, type, pattern, minimum = 1 } = schema;
  if (jsonSchema !== undefined) return good(jsonSchema);
  if (anyOf?.[0] !== undefined) return good(anyOf[0]);
  if (values !== undefined) return JSON.stringify(values[0]);
  if (type === "object") {
    const members = Object.entries(properties).map(([name, member]) => `${JSON.stringify(name)}:${good(member as Json)}`);
    return `{${members.join(",")}}`;
  }
  if (type === "array") return `[${schema.items === undefined ? "" : good(schema.items as Json)}]`;
  if (type === "string") return JSON.stringify(["a", "1.00", "2026-11-21T12:00:00Z"].find((text) => new RegExp(pattern ?? "").test(text)));
  return type === "boolean" ? "true" : String(Math.max(1, minimum));
}

/** The text with one value in it replaced by each other, and without each member. */
function* changed(text: string): Generator<string> {
  for (const { groups, indices } of text.matchAll(/"\w+":|(?<value>"(?:[^"\\]|\\.)*"|[^,:{}[\]"]+)/dg)) {
    const [start, end] = indices?.groups?.["value"] ?? [0, 0];
    if (groups?.["value"] === undefined) continue;
    for (const other of [...VALUES, ...NUMBERS]) yield text.slice(0, start) + other + text.slice(end);
  }
  for (const { 0: member, index } of text.matchAll(/"\w+":(?:"(?:[^"\\]|\\.)*"|[^,{}[\]]+),/g))
    yield text.slice(0, index) + text.slice(index + member.length);
}

describe("of each type of the catalogue", () => {
  const published = Object.entries(catalogue).filter(([, type]) => !("internal" in type));

  it("what services may publish is known, and nothing of the server's own", () => {
    expect([...typesOf([{ types: catalogue }]).keys()]).toEqual(published.map(([name]) => name));
  });

  it.each(published)(
    "data of %s is refused only where its schema refuses it, and seldom taken where it does",
    async (_name, { schema }) => {
      const text = good(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
      const texts = [text, ...changed(text), ...VALUES];
      const faults = await faultsOf(checksOf(schema), texts);
      const isGood = texts.map((each) => schema.safeParse(parseJson(each)).success);
      expect(isGood[0], text).toBe(true);
      const wrongly = texts.filter((_, index) => isGood[index] === true && faults[index] !== null);
      expect(wrongly).toEqual([]);
      const bad = isGood.filter((each) => !each).length;
      const late = texts.filter((_, index) => isGood[index] === false && faults[index] === null);
      expect(late.length / bad).toBeLessThan(0.05);
    },
  );
});
