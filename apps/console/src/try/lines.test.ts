import { expect, it } from "vitest";
import { followLines, publishLines, tokenLine } from "./lines.ts";

// That the lines do what they say is shown in test/browser/try.test.ts, where each of them is run.

it("quotes what a shell would read otherwise", () => {
  expect(tokenLine("it's")).toBe(`export BROADTAPE_TOKEN='it'\\''s'`);
  expect(publishLines("http://host", `{"a":"it's $HOME"}`).CLI).toContain(`'{"a":"it'\\''s $HOME"}'`);
  expect(followLines("http://host", { topics: ["orders:o'hara & co"], after: undefined }).CLI).toContain(`'orders:o'\\''hara & co'`);
});

it("puts an event that was written on several lines on one", () => {
  expect(publishLines("http://host", '{\n  "a": 1.10\n}').CLI).toContain(`'{ "a": 1.10 }'`);
});

it("encodes topics in addresses, and begins after an event where one is given", () => {
  const lines = followLines("http://host", { topics: ["symbol:EUR/USD", "orders:me"], after: "1-a" });
  expect(lines.curl).toContain("/api/v1/stream?topics=symbol%3AEUR%2FUSD,orders%3Ame&after=1-a");
  expect(lines.CLI).toContain("--after 1-a");
  expect(lines.TypeScript).toContain('{ after: "1-a" }');
});
