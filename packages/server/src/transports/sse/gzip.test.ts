import { crc32, createGunzip, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GZIP_HEADER, GzipStream } from "./gzip.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

/** One client's response. */
class Client {
  readonly parts: Buffer[] = [GZIP_HEADER];
  readonly #stream = new GzipStream();

  take(text: Buffer): Buffer {
    const block = this.#stream.next(text);
    this.parts.push(block);
    return block;
  }

  end(): Buffer {
    return Buffer.concat([...this.parts, this.#stream.trailer()]);
  }
}

/** Bodies that compress well, bodies that do not, and such as no dictionary holds. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.tuple(fc.string(), fc.nat(3000)).map(([piece, times]) => piece.repeat(times)),
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc.constantFrom(32_767, 32_768, 32_769, 100_000).map((length) => "event: price\n".repeat(10_000).slice(0, length)),
);

/** As events look: much of each stands in the one before it. */
const eventOf = (index: number) =>
  Buffer.from(
    `event: price:update\ndata: {"symbol":"EURUSD","price":1.3${index}5,"bid":1.3${index},"ask":1.4,"timestamp":"2026-11-21T10:00:0${index % 10}.000Z"}\nid: 17952602${index}\nretry: 5000\n\n`,
  );

describe("shared gzip blocks", () => {
  it("give each client exactly its own text, whenever it joined and whatever it was sent", () => {
    // For each batch: who of four clients gets it.
    const plan = fc.array(fc.tuple(text, fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean())), { maxLength: 12 });
    fc.assert(
      fc.property(plan, (batches) => {
        const clients = [0, 1, 2, 3].map(() => ({ client: new Client(), expected: "" }));
        for (const [body, receivers] of batches) {
          const bytes = Buffer.from(body);
          for (const [index, each] of clients.entries()) {
            if (receivers[index] !== true) continue;
            each.client.take(bytes);
            each.expected += bytes.toString();
          }
        }
        // Node checks the trailer's checksum and length.
        for (const { client, expected } of clients) expect(gunzipSync(client.end()).toString()).toBe(expected);
      }),
      { seed, numRuns: 200 },
    );
  });

  it("end in the checksum and the length of the client's whole text", () => {
    const client = new Client();
    const pieces = ["event: a\n\n", "", "x".repeat(100_000), "é"];
    for (const piece of pieces) client.take(Buffer.from(piece));
    const end = client.end();
    const whole = Buffer.from(pieces.join(""));
    expect(end.readUInt32LE(end.length - 8)).toBe(crc32(whole));
    expect(end.readUInt32LE(end.length - 4)).toBe(whole.length);
  });

  it("are readable at once, before anything follows", async () => {
    const gunzip = createGunzip();
    let read = "";
    gunzip.on("data", (bytes: Buffer) => (read += bytes.toString()));
    const client = new Client();
    for (const index of [1, 2]) {
      const event = eventOf(index);
      const arrived = new Promise((resolve) => gunzip.once("data", resolve));
      gunzip.write(index === 1 ? Buffer.concat([GZIP_HEADER, client.take(event)]) : client.take(event));
      await arrived;
      expect(read.endsWith(event.toString())).toBe(true);
    }
    gunzip.destroy();
  });

  it("make a stream that ended at once a whole one", () => {
    expect(gunzipSync(new Client().end())).toHaveLength(0);
  });

  it("are one buffer for any number of clients that had the same before, whatever came before that", () => {
    const [early, late] = [new Client(), new Client()];
    early.take(eventOf(1));
    for (const client of [early, late]) client.take(client === late ? Buffer.from("a snapshot of its own") : eventOf(2));
    const [third, fourth] = [eventOf(3), eventOf(4)];
    expect(early.take(third)).not.toBe(late.take(third));
    expect(early.take(fourth)).toBe(late.take(fourth));
  });

  it("of one batch are few, however many different pasts its receivers have", () => {
    const batch = eventOf(1);
    const blocks = Array.from({ length: 100 }, (_, index) => {
      const client = new Client();
      client.take(Buffer.from(`its own snapshot ${index}`));
      const block = client.take(batch);
      expect(gunzipSync(client.end()).toString()).toBe(`its own snapshot ${index}${batch.toString()}`);
      return block;
    });
    expect(new Set(blocks).size).toBe(3);
  });

  it("save two thirds of a stream of single events", () => {
    const client = new Client();
    let plain = 0;
    for (let index = 0; index < 200; index++) {
      const event = eventOf(index);
      plain += event.length;
      client.take(event);
    }
    expect(client.end().length).toBeLessThan(plain / 3);
  });

  it("do not grow much where there is little to compress", () => {
    const noise = Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) % 256));
    expect(new Client().take(noise).length).toBeLessThan(noise.length + 100);
  });
});
