import { describe, expect, it } from "vitest";
import { type Agents, MAX_AGENTS, foldAgents } from "./agents.ts";

const fold = (...ids: readonly string[]) =>
  ids.reduce<Agents | undefined>(
    (state, agentId, at) => foldAgents(state, { agentId, status: `${at}` }, "2026-11-21T09:00:00Z"),
    undefined,
  );

describe("a tenant's agents", () => {
  it("stand once each, as they were heard of last", () => {
    expect(fold("a", "b", "a")?.agents.map(({ data }) => [data.agentId, data.status])).toEqual([
      ["b", "1"],
      ["a", "2"],
    ]);
  });

  it("stay as many as are kept: who was silent for the longest leaves", () => {
    const ids = Array.from({ length: MAX_AGENTS }, (_, index) => `a${index}`);
    const state = fold(...ids, "a0", "new");
    expect(state?.agents.length).toBe(MAX_AGENTS);
    expect(state?.agents.some(({ agentId }) => agentId === "a1")).toBe(false);
    expect(state?.agents.slice(-2).map(({ agentId }) => agentId)).toEqual(["a0", "new"]);
  });
});
