import { describe, expect, it } from "vitest";
import { messageOf } from "../../testing/connection.ts";
import { newFormIndex, withEventId } from "./message.ts";

describe("a message", () => {
  it("is never larger on a wire than its size by more than its surface's own words", () => {
    const message = messageOf({ offset: 1, data: JSON.stringify({ text: "x".repeat(1000) }) });
    expect(message.size).toBeGreaterThan(message.data.length);
  });

  it("takes its event id into any object, digits untouched", () => {
    expect(withEventId("{}", "id-1")).toBe('{"eventId":"id-1"}');
    expect(withEventId('{"price":1.10}', "id-1")).toBe('{"price":1.10,"eventId":"id-1"}');
    expect(withEventId('{"a":{}}', "id-1")).toBe('{"a":{},"eventId":"id-1"}');
  });

  it("is framed under an index that no other form has", () => {
    const indexes = Array.from({ length: 10 }, newFormIndex);
    expect(new Set(indexes).size).toBe(10);
  });
});
