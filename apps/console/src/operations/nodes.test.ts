import { expect, it } from "vitest";
import { missingIn, ofNode } from "./nodes.ts";

it("a path asks for one node where one is chosen", () => {
  expect([ofNode("a", ""), ofNode("a", "n 1"), ofNode("a?limit=1", "n")]).toEqual(["a", "a?node=n%201", "a?limit=1&node=n"]);
});

it("an answer names the nodes that are missing in it", () => {
  expect(missingIn({ unanswered: [{ id: "1", name: "west" }] })).toEqual(["west"]);
  for (const complete of [undefined, null, {}, { unanswered: [] }, { unanswered: [{}] }]) expect(missingIn(complete)).toEqual([]);
});
