import fc from "fast-check";
import { type Packet, PacketType } from "socket.io-parser";
import { describe, expect, it } from "vitest";
import { MALFORMED, TolerantDecoder } from "./decoder.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

function decode(...packets: readonly unknown[]): Packet[] {
  const decoder = new TolerantDecoder();
  const decoded: Packet[] = [];
  decoder.on("decoded", (packet) => decoded.push(packet));
  for (const packet of packets) decoder.add(packet);
  return decoded;
}

const whole = '2/market-data,7["subscribe",{"symbols":["EUR/USD"]}]';
const good = { type: PacketType.EVENT, nsp: "/market-data", id: 7, data: ["subscribe", { symbols: ["EUR/USD"] }] };

describe("Socket.IO's decoder", () => {
  it("reads packets as before", () => {
    expect(decode(whole)).toMatchObject([good]);
  });

  it.each(["2/market-data,[", "2/market-data,7{}", "29/market-data,[1", '2/market-data,["disconnect"]'])(
    "turns %j into a command that is none, of the namespace that it names",
    (packet) => {
      expect(decode(packet)).toEqual([{ type: PacketType.EVENT, nsp: "/market-data", data: [MALFORMED] }]);
    },
  );

  it.each(["9", "x", "2[", "51", "5-", "599999999-[]", `2/${"n".repeat(1000)},[`, Buffer.from("stray"), 7, undefined, null])(
    "turns %j into one of the main namespace",
    (packet) => {
      expect(decode(packet)).toEqual([{ type: PacketType.EVENT, nsp: "/", data: [MALFORMED] }]);
    },
  );

  it("reads on after a packet whose attachments never came", () => {
    const unfinished = '51-/market-data,["x",{"_placeholder":true,"num":0}]';
    const malformed = { type: PacketType.EVENT, nsp: "/market-data", data: [MALFORMED] };
    expect(decode(unfinished, whole)).toMatchObject([malformed, good]);
    expect(decode(unfinished, "0/market-data,")).toMatchObject([{ type: PacketType.CONNECT, nsp: "/market-data" }]);
  });

  it("reads on after anything whatever", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.json(), fc.uint8Array().map(Buffer.from), fc.anything()), { maxLength: 5 }),
        (garbage) => {
          const decoded = decode(...garbage, whole);
          expect(decoded.at(-1)).toMatchObject(good);
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it("cannot be sent the malformed command by a client that means it", () => {
    const [packet] = decode(`2/market-data,${JSON.stringify([MALFORMED, 1])}`);
    expect(packet?.data).not.toEqual([MALFORMED]);
  });
});
