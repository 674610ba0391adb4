import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testSurface } from "../../../testing/connection.ts";
import type { Words } from "../../engine/message.ts";
import { chunk, eventText, sharedChunk, streamForms } from "./frames.ts";
import { GZIP_HEADER, GzipStream } from "./gzip.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

interface Dispatched {
  readonly event: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** WHATWG HTML 9.2.6, by the letter. */
function interpret(stream: string): Dispatched[] {
  const dispatched: Dispatched[] = [];
  let [event, lastEventId] = ["", ""];
  let data: string[] = [];
  for (const line of stream.split(/\r\n|\r|\n/)) {
    if (line === "") {
      if (data.length > 0) dispatched.push({ event: event === "" ? "message" : event, data: data.join("\n"), lastEventId });
      event = "";
      data = [];
      continue;
    }
    const [, field = "", value = ""] = /^([^:]*)(?::[ ]?(.*))?$/s.exec(line) ?? [];
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) lastEventId = value;
  }
  return dispatched;
}

/** RFC 9112 7.1, until the bytes end. */
function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf("\r\n", at);
    const length = parseInt(bytes.toString("latin1", at, end), 16);
    parts.push(bytes.subarray(end + 2, end + 2 + length));
    expect(bytes.toString("latin1", end + 2 + length, end + 4 + length)).toBe("\r\n");
    at = end + 4 + length;
  }
  return Buffer.concat(parts);
}

const words: fc.Arbitrary<Words> = fc.record({
  name: fc.constantFrom("price", "heartbeat"),
  body: fc.json(),
  id: fc.option(fc.constantFrom("1-00010000000001", "1-00010000000002"), { nil: undefined }),
  comment: fc.option(fc.constant("keepalive"), { nil: undefined }),
});

describe("server-sent events", () => {
  it("are read by a browser as they were meant, whatever the bodies hold", () => {
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 8 }), (all) => {
        let lastEventId = "";
        const expected = all.map(({ name, body, id }) => ({ event: name, data: body, lastEventId: (lastEventId = id ?? lastEventId) }));
        expect(interpret(all.map(eventText).join(""))).toEqual(expected);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("cannot be forged by line breaks in what somebody published", () => {
    const body = JSON.stringify({ text: "a\n\nevent: admin\rdata: x\r\n\u2028\u2029\u0085" });
    expect(interpret(eventText({ name: "price", body }))).toEqual([{ event: "price", data: body, lastEventId: "" }]);
  });

  it("leave the last event id as it was where they have none", () => {
    expect(eventText({ name: "heartbeat", body: "{}", comment: "keepalive" })).toBe(": keepalive\n\nevent: heartbeat\ndata: {}\n\n");
    expect(eventText({ name: "price", body: "{}", id: "1-a" })).toBe("event: price\ndata: {}\nid: 1-a\n\n");
  });
});

describe("a form of a stream", () => {
  const forms = streamForms(testSurface());
  const codings = [true, false].flatMap((isChunked) => [true, false].map((isGzip) => ({ isChunked, isGzip })));

  it("is one object for all connections of a coding", () => {
    for (const coding of codings) expect(forms.of(coding)).toBe(forms.of({ ...coding }));
  });

  it.each(codings)("brings the same events in chunked: $isChunked, gzip: $isGzip", ({ isChunked, isGzip }) => {
    const form = forms.of({ isChunked, isGzip });
    const all: Words[] = [
      { name: "price", body: '{"price":1.10}', id: "1-a" },
      { name: "price", body: JSON.stringify("€".repeat(5000)), id: "1-b" },
    ];
    const texts = [form.join(all.map((each) => form.frame(each))), form.join([form.frame({ name: "heartbeat", body: "{}" })])];
    const stream = new GzipStream();
    const writes = isGzip ? texts.map((each) => (isChunked ? sharedChunk(stream.next(each)) : stream.next(each))) : texts;
    const body = isChunked ? unchunk(Buffer.concat(writes)) : Buffer.concat(writes);
    const text = isGzip ? gunzipSync(Buffer.concat([GZIP_HEADER, body, stream.trailer()])) : body;
    expect(interpret(text.toString()).map(({ event, data }) => [event, data])).toEqual([
      ...all.map(({ name, body: data }) => [name, data]),
      ["heartbeat", "{}"],
    ]);
  });
});

describe("a chunk", () => {
  it.each([1, 15, 16, 255, 256, 65_536])("of %i bytes says its length in hexadecimal", (length) => {
    const bytes = Buffer.alloc(length, "x");
    expect(chunk(bytes).toString("latin1").split("\r\n")[0]).toBe(length.toString(16));
    expect(unchunk(chunk(bytes))).toEqual(bytes);
  });
});
