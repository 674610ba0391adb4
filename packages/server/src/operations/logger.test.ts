import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createLogger, masked } from "./logger.ts";

describe("the log", () => {
  it.each([
    ["of ann.b+c@mail.example.com today", "of [e-mail] today"],
    ["call +49 151 2345678 or (030) 123 4567", "call [phone] or [phone]"],
    ["+4915123456789", "[phone]"],
    ["030-1234-5678", "[phone]"],
    ["tel:+49.151.2345678.", "tel:[phone]."],
    ["m\u00fcller@b\u00fccher.example", "[e-mail]"],
    ["/api?userId=ann%40example.com&x", "/api?userId=[e-mail]&x"],
  ])("masks people's addresses: %s", (line, expected) => {
    expect(masked(line)).toBe(expected);
  });

  it.each([
    '{"time":"2026-11-21T11:24:37.481Z","offset":1234567890,"eventId":"1795260277477-0zy3000000000z"}',
    '{"sessionId":"3fbb69f4-22e3-4670-af42-394cd8ccad2f","address":"127.0.0.1","ms":5000,"user":"EV-0011223344556677"}',
    '{"date":"2026-11-21","range":"1000-2000","port":"127.0.0.1:39041"}',
  ])("leaves ids, times and numbers as they are: %s", (line) => {
    expect(masked(line)).toBe(line);
  });

  it("stays JSON where an address follows an escape", () => {
    for (const before of ["\n", "\u0001", "\\", "\\\n", "\\n", '"']) {
      const line = JSON.stringify({ msg: `${before}bob@example.com${before}+49 151 2345678` });
      expect(JSON.parse(masked(line)), line).toEqual({ msg: expect.stringMatching(/\[e-mail\][^]*\[phone\]/) });
      expect(masked(line)).not.toMatch(/example|151/);
    }
  });

  it("costs no more than the length of a line", () => {
    const began = performance.now();
    masked(`${"x".repeat(200_000)} ${"1 ".repeat(100_000)}`);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it("has no secret and no address in a line, wherever they stand in it", () => {
    let written = "";
    const destination = new Writable({
      write(part: Buffer, _encoding, done) {
        written += part.toString();
        done();
      },
    });
    const logger = createLogger("info", destination);
    logger.info({ token: "t0ps3cret", userId: "ann@example.com", err: new Error("no route to +1 202-555-0101") }, "connected");
    expect(written).not.toMatch(/t0ps3cret|ann@|555/);
    expect(JSON.parse(written)).toMatchObject({ userId: "[e-mail]", msg: "connected" });
  });
});
