import { parseJson } from "@broadtape/protocol/json";
import { catalogue, jsonSchemaOf } from "@broadtape/protocol/catalogue";
import { describe, expect, it } from "vitest";
import { newDraft, readDraft, writeDraft } from "./draft.ts";
import { readEvent, writeEvent } from "./event-draft.ts";
import { type Field, fieldOf } from "./schema-field.ts";
import { suggestions } from "./suggestions.ts";

const suggest = suggestions({ userId: "ada", now: 1_735_819_800_000, mark: "1a2b" });
const types = Object.entries(catalogue).map(([type, { schema }]) => ({
  type,
  product: "p",
  description: null,
  isInternal: false,
  schema: jsonSchemaOf(schema) as Record<string, unknown>,
}));

describe("a form made of an event type's schema", () => {
  it.each(Object.keys(catalogue) as (keyof typeof catalogue)[])("begins with what is an event already: %s", (type) => {
    const { schema } = catalogue[type];
    const field = fieldOf(jsonSchemaOf(schema));
    const text = writeDraft(field, newDraft(field, suggest));
    expect(schema.safeParse(parseJson(text ?? "")).error).toBeUndefined();
  });

  it("keeps a decimal's digits as text, and a number's as they were typed", () => {
    const fields = { amount: { kind: "decimal" }, price: { kind: "number", isWhole: false } } as const satisfies Record<string, Field>;
    const field: Field = {
      kind: "object",
      entries: Object.entries(fields).map(([name, each]) => ({ name, field: each, isRequired: true })),
    };
    expect(writeDraft(field, { amount: "1.10", price: "50000.00" })).toBe('{"amount":"1.10","price":50000.00}');
    expect(readDraft(field, parseJson('{"amount":1.10,"price":12345678901234567890.10}'))).toEqual({
      amount: "1.10",
      price: "12345678901234567890.10",
    });
  });

  it("sends what is no number as it is, for the server to judge", () => {
    expect(writeDraft({ kind: "number", isWhole: false }, "much")).toBe('"much"');
    expect(writeDraft({ kind: "number", isWhole: false }, "01")).toBe('"01"');
  });

  it("leaves out what is empty, and reads null as empty", () => {
    const field = fieldOf(jsonSchemaOf(catalogue["market-data.best-price"].schema));
    expect(writeDraft(field, { symbol: "EURUSD", midPrice: "", timestamp: "1" })).toBe('{"symbol":"EURUSD","timestamp":1}');
    expect(readDraft(field, { symbol: "EURUSD", bestBid: null, midPrice: null })).toEqual({ symbol: "EURUSD" });
  });

  it("keeps what the schema does not know, over JSON and back", () => {
    const text =
      '{"type":"transaction.created","id":"a\'b","extension":{"of":[1.0]},"data":{"userId":"ada","transaction":{"id":"t","amount":"1.10","currency":"USD","type":"x","status":"y","createdAt":1735819800000,"own":"text","more":1e2}}}';
    const type = types.find((each) => each.type === "transaction.created")!;
    expect(writeEvent(readEvent(text, types), fieldOf(type.schema))).toBe(text);
  });

  it("says why JSON does not fit in a form", () => {
    expect(() => readEvent("[]", types)).toThrow("is not one event");
    expect(() => readEvent('{"type":"no.such"}', types)).toThrow("none of the catalogue");
    expect(() => readEvent("{", types)).toThrow(SyntaxError);
  });
});

it("makes of a schema that refers to itself, or says nothing, a field for JSON", () => {
  const endless: Record<string, unknown> = { type: "array" };
  endless["items"] = endless;
  expect(JSON.stringify(fieldOf(endless))).toContain('{"kind":"json"}');
  expect(fieldOf({})).toEqual({ kind: "json" });
  expect(fieldOf({ anyOf: [{ type: "string" }, { type: "object" }, { type: "null" }] })).toEqual({ kind: "json" });
});
