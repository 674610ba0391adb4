import { describe, expect, it } from "vitest";
import { messageOf, testForm } from "../../testing/connection.ts";
import { withEventId } from "./message.ts";

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

  it("is framed once for each form", () => {
    const message = messageOf({ offset: 1 });
    const forms = Array.from({ length: 4 }, () => testForm());
    const frames = forms.map((form) => message.frame(form));
    expect(forms.map((form) => message.frame(form))).toEqual(frames);
    for (const [index, form] of forms.entries()) expect(message.frame(form)).toBe(frames[index]);
    expect(new Set(frames).size).toBe(4);
  });
});
