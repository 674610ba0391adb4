import { describe, expect, it } from "vitest";
import { eventEnvelope } from "./event.ts";

const whole = { type: "rfq.created", data: { rfqId: "r" } };
const pathsOf = (input: unknown) => eventEnvelope.safeParse(input).error?.issues.map(({ path }) => path.join(".")) ?? [];

describe("the envelope of a published event", () => {
  it("needs a type and data, and nothing else", () => {
    expect(pathsOf(whole)).toEqual([]);
    expect(pathsOf({})).toEqual(["type", "data"]);
    expect(pathsOf({ ...whole, data: undefined })).toEqual(["data"]);
  });

  it.each([undefined, null, 1, "x", [], [whole]])("is an object, not %j", (input) => {
    expect(eventEnvelope.safeParse(input).success).toBe(false);
  });

  it.each([null, false, 0, "", [], {}])("leaves %j as data to the type's own schema", (data) => {
    expect(eventEnvelope.parse({ ...whole, data }).data).toEqual(data);
  });

  it("takes what CloudEvents 1.0 names, and extensions", () => {
    const event = {
      ...whole,
      specversion: "1.0",
      id: "a",
      source: "/desk/😀",
      subject: "r",
      time: "2026-01-02T03:04:05.678+01:00",
      tenantid: "acme",
      correlationid: "c-1",
      datacontenttype: "application/json; charset=utf-8",
      traceparent: "00-1-2-01",
    };
    expect(pathsOf(event)).toEqual([]);
  });

  it.each([
    ["specversion", "0.3"],
    ["type", ""],
    ["type", "x".repeat(129)],
    ["id", ""],
    ["id", 7],
    ["id", "x".repeat(257)],
    ["id", "a\ud800"],
    ["source", "\udc00\ud83d"],
    ["source", "x".repeat(1025)],
    ["subject", ""],
    ["time", "yesterday"],
    ["time", "2026-01-02"],
    ["time", "2026-01-02T03:04:05"],
    ["time", "2026-02-30T03:04:05Z"],
    ["time", 1_700_000_000_000],
    ["tenantid", ""],
    ["tenantid", "a\u0000b"],
    ["tenantid", "a\nb"],
    ["tenantid", "x".repeat(129)],
    ["correlationid", "a b"],
    ["correlationid", "a\r\nSet-Cookie: x"],
    ["correlationid", "x".repeat(129)],
    ["datacontenttype", "text/xml"],
    ["data_base64", "AA=="],
  ])("refuses %s %j, and names the field", (field, value) => {
    expect(pathsOf({ ...whole, [field]: value })).toEqual([field]);
  });
});
