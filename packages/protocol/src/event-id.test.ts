import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_EPOCH, ledgerId, parseEventId, streamId } from "./event-id.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const epoch = fc.integer({ min: 1, max: MAX_EPOCH });
const offset = fc.oneof(fc.nat(), fc.nat({ max: 2 ** 48 - 1 }), fc.constantFrom(0, 35, 36, 2 ** 48 - 1));
const time = fc.integer({ min: 0, max: 8.64e15 - 1 }).map((ms) => ms % 1e15);

describe("event ids", () => {
  it("hold epoch and offset in either spelling", () => {
    fc.assert(
      fc.property(epoch, offset, time, (epoch, offset, ms) => {
        expect(parseEventId(streamId(epoch, offset, ms))).toEqual({ epoch, offset });
        expect(parseEventId(ledgerId(epoch, offset))).toEqual({ epoch, offset });
      }),
      { seed },
    );
  });

  it("are spelled as the contract says", () => {
    fc.assert(
      fc.property(epoch, offset, time, (epoch, offset, ms) => {
        expect(streamId(epoch, offset, ms)).toMatch(/^\d+-[0-9a-z]{9,}$/);
        expect(ledgerId(epoch, offset)).toMatch(/^EV-[0-9a-f]{16}$/);
      }),
      { seed },
    );
    expect(streamId(1, 1, 1700000000000)).toBe("1700000000000-00010000000001");
    expect(ledgerId(0xffff, 255)).toBe("EV-ffff0000000000ff");
  });

  it("grow as text with the log, also within a millisecond", () => {
    fc.assert(
      fc.property(epoch, offset, offset, fc.nat(1000), (epoch, a, b, later) => {
        fc.pre(a < b);
        const at = 1_700_000_000_000;
        expect(streamId(epoch, a, at) < streamId(epoch, b, at + later)).toBe(true);
        expect(ledgerId(epoch, a) < ledgerId(epoch, b)).toBe(true);
      }),
      { seed },
    );
  });

  it("differ between two lives of a log at the same offset", () => {
    expect(streamId(1, 5, 0)).not.toBe(streamId(2, 5, 0));
    expect(parseEventId(ledgerId(2, 5))?.epoch).toBe(2);
  });

  it("may come back from a client in capitals of hexadecimal", () => {
    expect(parseEventId(ledgerId(0xabcd, 0xef).toUpperCase())).toEqual({ epoch: 0xabcd, offset: 0xef });
  });

  it.each([
    "",
    "0",
    "-",
    "1700000000000",
    "1700000000000-",
    "1700000000000-0001000000001",
    "1700000000000-000100000000011",
    "1700000000000-0001000000000A",
    "-1700000000000-00010000000001",
    "1700000000000-00010000000001 ",
    "1700000000000-00010000000001\n",
    " 1700000000000-00010000000001",
    "EV-",
    "ev-0001000000000001",
    "EV-000100000000001",
    "EV-00010000000000011",
    "EV-000100000000000g",
    "EV-0001000000000001\u0000",
    "undefined",
    "1234567890123456-00010000000001",
  ])("refuses %j", (text) => {
    expect(parseEventId(text)).toBeUndefined();
  });

  it("refuses any other text without a fault, however long", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(parseEventId(`${text}!`)).toBeUndefined();
      }),
      { seed },
    );
    expect(parseEventId("1".repeat(1_000_000))).toBeUndefined();
    expect(parseEventId(`${"0".repeat(100)}-00010000000001`)).toBeUndefined();
  });
});
