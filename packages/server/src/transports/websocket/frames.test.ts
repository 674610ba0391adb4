import { describe, expect, it } from "vitest";
import { joinFrames, textFrame } from "./frames.ts";

/** Reads frames as a client does (RFC 6455 5.2). */
function messagesIn(bytes: Buffer): { text: string; headerBytes: number }[] {
  const messages: { text: string; headerBytes: number }[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes[at]).toBe(0x81);
    const [, short = 0] = bytes.subarray(at, at + 2);
    expect(short & 0x80).toBe(0);
    const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    messages.push({ text: bytes.toString("utf8", at + headerBytes, at + headerBytes + length), headerBytes });
    at += headerBytes + length;
  }
  return messages;
}

describe("a text frame", () => {
  it.each([
    [0, 2],
    [1, 2],
    [125, 2],
    [126, 4],
    [127, 4],
    [65_535, 4],
    [65_536, 10],
    [1_000_000, 10],
  ])("of %i bytes has the shortest header that can say so: %i bytes", (length, headerBytes) => {
    const text = "x".repeat(length);
    expect(messagesIn(textFrame(text))).toEqual([{ text, headerBytes }]);
  });

  it("counts bytes, not characters", () => {
    for (const text of ["é".repeat(63), "€".repeat(42), "😀".repeat(32), "€".repeat(21_845), "€".repeat(21_846)]) {
      expect(messagesIn(textFrame(text))[0]?.text).toBe(text);
      expect(textFrame(text).length).toBe(Buffer.byteLength(text) + (messagesIn(textFrame(text))[0]?.headerBytes ?? 0));
    }
  });
});

describe("joined frames", () => {
  it("are passed on as they are where there is but one", () => {
    const frame = textFrame("a");
    expect(joinFrames([frame])).toBe(frame);
    expect(joinFrames([])).toHaveLength(0);
  });

  it("are read one by one, of whatever lengths", () => {
    const texts = ["", "a", "é".repeat(100), "x".repeat(65_536), "last"];
    expect(messagesIn(joinFrames(texts.map(textFrame))).map(({ text }) => text)).toEqual(texts);
  });
});
