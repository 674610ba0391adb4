import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newBatches, newEvent } from "../contract-place.ts";
import { decode, encodeBatches, encodeWake } from "./message.ts";

const speaker = { node: `node "1"`, epoch: 7 };
const text = fc.string({ unit: "binary", maxLength: 40 });

describe("what nodes say to each other", () => {
  it("is what the other hears, whatever is in it and however it is split", () => {
    const fields = fc.record({ tenant: text, id: text, subject: fc.option(text, { nil: undefined }), data: text });
    const batchSizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 });
    fc.assert(
      fc.property(batchSizes, fields, fc.integer({ min: 300, max: 3000 }), (batches, attributes, maxBytes) => {
        const events = newBatches(3, batches, attributes);
        const encoded = encodeBatches(speaker, events, maxBytes);
        const messages = encoded.map(decode);
        for (const [index, message] of messages.entries()) {
          expect(message).toMatchObject(speaker);
          expect(encoded[index]?.length).toBeLessThanOrEqual(maxBytes);
        }
        const told = messages.flatMap((message) => message?.events ?? []);
        // What is missing is told of by a wake.
        const isWhole = messages.every((message) => message !== undefined && message.events.length > 0);
        expect(told).toEqual(isWhole ? events : events.filter(({ offset }) => told.some((other) => other.offset === offset)));
        for (const { batch } of told) {
          const sizeOf = (all: typeof events) => all.filter((event) => event.batch === batch).length;
          expect(sizeOf(told)).toBe(sizeOf(events));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is short where there is nothing but to read the log", () => {
    expect(decode(encodeWake(speaker))).toEqual({ ...speaker, events: [] });
  });

  const row = [5, 5, 1, null, "t", "type", "s", "i", "time", "c", "{}"];
  it.each([
    ["no JSON", "{"],
    ["no object", "null"],
    ["no text of UTF-8", Buffer.from([0xc0, 0x80])],
    ["of another format", { broadtape: 2, node: "a", epoch: 7, events: [] }],
    ["without a node", { broadtape: 1, epoch: 7, events: [] }],
    ["without events", { broadtape: 1, node: "a", epoch: 7 }],
    ["with an epoch that is none", { broadtape: 1, node: "a", epoch: "7", events: [] }],
    ["with an event that is no list", { broadtape: 1, node: "a", epoch: 7, events: [{}] }],
    ["with too few fields", { broadtape: 1, node: "a", epoch: 7, events: [row.slice(0, -1)] }],
    ["with too many fields", { broadtape: 1, node: "a", epoch: 7, events: [[...row, ""]] }],
    ["with a number for a text", { broadtape: 1, node: "a", epoch: 7, events: [row.with(10, 1)] }],
    ["with an offset that is none", { broadtape: 1, node: "a", epoch: 7, events: [row.with(0, 5.5)] }],
    ["with half a publish batch", { broadtape: 1, node: "a", epoch: 7, events: [row.with(0, 6)] }],
    ["with a gap", { broadtape: 1, node: "a", epoch: 7, events: [row, row.with(0, 7).with(1, 7)] }],
  ])("is not understood %s", (_, message) => {
    const bytes = Buffer.isBuffer(message) ? message : Buffer.from(typeof message === "string" ? message : JSON.stringify(message));
    expect(decode(bytes)).toBeUndefined();
  });

  it("is understood in the form that other releases know", () => {
    const bytes = Buffer.from(JSON.stringify({ broadtape: 1, node: "a", epoch: 7, events: [row] }));
    const event = newEvent(5, {
      storedAt: 1,
      tenant: "t",
      type: "type",
      source: "s",
      id: "i",
      time: "time",
      correlationId: "c",
      data: "{}",
    });
    expect(decode(bytes)).toEqual({ node: "a", epoch: 7, events: [event] });
  });
});
