import { crc32, createGunzip, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GZIP_HEADER, GzipStream, deflateBlock, frameBlock } from "./gzip.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

/** One client's response. */
class Client {
  readonly #parts: Buffer[] = [GZIP_HEADER];
  readonly #stream = new GzipStream();

  take(block: Buffer): void {
    this.#stream.count(block);
    this.#parts.push(block);
  }

  end(): Buffer {
    return Buffer.concat([...this.#parts, this.#stream.trailer()]);
  }
}

/** Bodies that compress well and bodies that do not. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.tuple(fc.string(), fc.nat(3000)).map(([piece, times]) => piece.repeat(times)),
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

describe("shared gzip blocks", () => {
  it("give each client exactly its own text, whenever it joined and whatever it was sent", () => {
    // For each block: who of four clients gets it.
    const plan = fc.array(fc.tuple(text, fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean())), { maxLength: 12 });
    fc.assert(
      fc.property(plan, (blocks) => {
        const clients = [0, 1, 2, 3].map(() => ({ client: new Client(), expected: "" }));
        for (const [body, receivers] of blocks) {
          const block = deflateBlock(Buffer.from(body));
          for (const [index, each] of clients.entries()) {
            if (receivers[index] !== true) continue;
            each.client.take(block);
            each.expected += Buffer.from(body).toString();
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
    for (const piece of pieces) client.take(deflateBlock(Buffer.from(piece)));
    const end = client.end();
    const whole = Buffer.from(pieces.join(""));
    expect(end.readUInt32LE(end.length - 8)).toBe(crc32(whole));
    expect(end.readUInt32LE(end.length - 4)).toBe(whole.length);
  });

  it("are readable at once, before anything follows", async () => {
    const gunzip = createGunzip();
    const read = new Promise<string>((resolve) => gunzip.once("data", (bytes: Buffer) => resolve(bytes.toString())));
    gunzip.write(Buffer.concat([GZIP_HEADER, deflateBlock(Buffer.from("event: price\n\n"))]));
    expect(await read).toBe("event: price\n\n");
    gunzip.destroy();
  });

  it("make a stream that ended at once a whole one", () => {
    expect(gunzipSync(new Client().end())).toHaveLength(0);
  });

  it("are one buffer for any number of clients, framed or not", () => {
    const block = deflateBlock(Buffer.from("shared"));
    const framed = frameBlock(block, Buffer.concat([Buffer.from("5\r\n"), block]));
    const [a, b] = [new GzipStream(), new GzipStream()];
    a.count(block);
    b.count(framed);
    expect(a.trailer()).toEqual(b.trailer());
  });

  it("take no bytes of unknown contents: the trailer would be wrong", () => {
    expect(() => {
      new GzipStream().count(Buffer.from("raw"));
    }).toThrow();
  });

  it("do not grow much where there is little to compress", () => {
    const noise = Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) % 256));
    expect(deflateBlock(noise).length).toBeLessThan(noise.length + 100);
  });
});
