import { describe, expect, it } from "vitest";
import { parseJson } from "./json.ts";
import { redact } from "./redact.ts";

const shown = (json: string) => JSON.stringify(redact(parseJson(json)));

describe("what must not be seen", () => {
  it.each([
    "password",
    "Passwd",
    "SECRET",
    "token",
    "access_token",
    "refresh-token",
    "apiKey",
    "API KEY",
    "Authorization",
    "cookie",
    "pin",
    "CVV",
    "card.number",
    "cardNumber",
    "PAN",
    "account_number",
    "iban",
    "private:key",
    "_private__Key_",
  ])("is what %s holds, whatever its type", (key) => {
    for (const value of ["x", 5, null, true, { a: 1 }, [1]]) expect(redact({ [key]: value, b: 1 })).toEqual({ [key]: "[redacted]", b: 1 });
  });

  it.each(["pins", "tokenType", "company", "expansion", "reference", "keys", "secretary", "ibanCountry", ""])(
    "is not what %s holds",
    (key) => {
      expect(redact({ [key]: "x" })).toEqual({ [key]: "x" });
    },
  );

  it("is hidden at any depth, also in lists", () => {
    expect(shown('{"a":{"b":[{"pin":1234},{"c":1.10}]},"d":5.00}')).toBe('{"a":{"b":[{"pin":"[redacted]"},{"c":1.10}]},"d":5.00}');
  });

  it("is hidden in objects alone: the value stays the same object where there is nothing to hide", () => {
    const value = parseJson('{"a":{"b":[{"c":1.10},"pin",null]},"d":12345678901234567890}');
    expect(redact(value)).toBe(value);
    expect(redact("token")).toBe("token");
    expect(redact(null)).toBeNull();
  });

  it("leaves what it was given as it was", () => {
    const value = { meta: { pin: 1 } };
    redact(value);
    expect(value).toEqual({ meta: { pin: 1 } });
  });

  it("is hidden beside a key that every object has", () => {
    expect(shown('{"__proto__":{"pin":1},"constructor":{"token":2}}')).toBe(
      '{"__proto__":{"pin":"[redacted]"},"constructor":{"token":"[redacted]"}}',
    );
  });
});
