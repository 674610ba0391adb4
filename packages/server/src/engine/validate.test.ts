import { z } from "zod";
import { describe, expect, it } from "vitest";
import { parseJson } from "@broadtape/protocol/json";
import type { Product } from "./product.ts";
import { BadEvents, type Publisher, type ValidationHost, admit, check } from "./validate.ts";

const product: Product = {
  name: "test",
  types: { "test.open": { schema: z.looseObject({ n: z.number() }) }, "test.own": { schema: z.object({}), internal: true } },
  views: [],
  topics: [],
  admit: ({ data }) => (JSON.stringify(data).includes("forbidden") ? { path: "data.n", message: "is forbidden" } : undefined),
  topicsOf: ({ tenant }) => [`feed:${tenant}`],
};

const host: ValidationHost = { products: [product], limits: { batchEvents: 3 }, isFull: () => false, now: () => 0, newId: () => "made" };
const ann: Publisher = { userId: "ann", tenant: "acme", anyTenant: false, correlationId: "c" };
const event = { type: "test.open", data: { n: 1 } };

const validate = (over: ValidationHost, events: readonly unknown[], publisher: Publisher) =>
  admit(over, check(over, events, publisher), { entry: () => undefined });

function faultsOf(events: readonly unknown[], over: Partial<ValidationHost> = {}, publisher = ann) {
  try {
    validate({ ...host, ...over }, events, publisher);
    return [];
  } catch (error) {
    if (error instanceof BadEvents) return error.faults;
    throw error;
  }
}

describe("validate", () => {
  it("fills in what a publisher may leave out", () => {
    const [admitted] = validate(host, [event], ann);
    expect(admitted?.event).toEqual({
      tenant: "acme",
      type: "test.open",
      source: "ann",
      id: "made",
      time: "1970-01-01T00:00:00.000Z",
      subject: undefined,
      correlationId: "c",
      data: '{"n":1}',
      topics: ["feed:acme"],
      deduplicate: false,
    });
  });

  it("deduplicates by an id that the publisher gave, and by no other", () => {
    expect(validate(host, [{ ...event, id: "a" }], ann)[0]?.event).toMatchObject({ id: "a", deduplicate: true });
  });

  it("stores the data as published, digits and unknown fields included", () => {
    const text = '{"n":1,"price":1.10,"more":{"x":[50000.00]}}';
    expect(validate(host, [{ ...event, data: parseJson(text) }], ann)[0]?.event.data).toBe(text);
  });

  it("names every fault of a batch, by event and field", () => {
    expect(faultsOf([event, { ...event, data: { n: "1" } }, { type: "test.none", data: 1 }])).toMatchObject([
      { index: 1, path: "data.n" },
      { index: 2, path: "type" },
    ]);
    expect(faultsOf([{ ...event, data: { n: 1, x: "forbidden" } }])).toEqual([{ index: 0, path: "data.n", message: "is forbidden" }]);
  });

  it("names at most a hundred faults", () => {
    const bad = Array.from({ length: 500 }, () => ({}));
    expect(faultsOf(bad, { limits: { batchEvents: 500 } })).toHaveLength(100);
  });

  it("takes at least one event and at most as many as a batch may hold", () => {
    expect(faultsOf([])).toHaveLength(1);
    expect(faultsOf([event, event, event])).toEqual([]);
    expect(faultsOf([event, event, event, event])).toMatchObject([{ index: 3, path: "" }]);
  });

  it("takes nothing more while the views hold as many entities as they may", () => {
    expect(faultsOf([event], { isFull: () => true })).toMatchObject([{ index: 0, path: "" }]);
  });

  it("takes what the server alone publishes from the server alone", () => {
    const own = { type: "test.own", data: {} };
    expect(faultsOf([own])).toMatchObject([{ path: "type" }]);
    expect(faultsOf([own], {}, { ...ann, isServer: true })).toEqual([]);
  });

  it.each(["toString", "__proto__", "constructor", "hasOwnProperty"])("does not take %s for a type", (type) => {
    expect(faultsOf([{ type, data: {} }])).toMatchObject([{ path: "type" }]);
  });

  it("lets nobody publish for another tenant without the right to", () => {
    const foreign = { ...event, tenantid: "other" };
    expect(() => validate(host, [foreign], ann)).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
    expect(validate(host, [{ ...event, tenantid: "acme" }], ann)[0]?.event.tenant).toBe("acme");
    expect(validate(host, [foreign], { ...ann, anyTenant: true })[0]?.event).toMatchObject({ tenant: "other", topics: ["feed:other"] });
  });

  it("refuses data that is nested so deeply that it could be stored and not be read again", () => {
    const nested = (levels: number): unknown => JSON.parse(`{"n":1,"x":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`);
    expect(faultsOf([{ ...event, data: nested(64) }])).toEqual([]);
    expect(faultsOf([{ ...event, data: nested(65) }])).toMatchObject([{ index: 0, path: "data" }]);
    expect(faultsOf([{ ...event, data: nested(2000) }])).toMatchObject([{ index: 0, path: "data" }]);
  });
});
