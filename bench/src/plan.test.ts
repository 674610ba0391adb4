/** The plan's arithmetic, and the page that shows it. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ASSUMED, planFor, plans, PROFILES } from "./plan.ts";
import { markdownOf } from "./table.ts";

const page = readFileSync(new URL("../../docs/scaling.md", import.meta.url), "utf8");

it.each([1_000_000, 10_000_000])("stands in the page as it comes out, for %i connections", (connections) => {
  expect(page).toContain(markdownOf(plans(connections)));
});

it.each(PROFILES)("seats everybody with a node away, and has databases for what they are told: $name", (profile) => {
  for (const connections of [1_000_000, 10_000_000]) {
    const { connectionsPerNode, nodes, databases } = planFor(connections, profile);
    expect((nodes - databases) * connectionsPerNode).toBeGreaterThanOrEqual(connections);
    expect(nodes / databases).toBeLessThanOrEqual(ASSUMED.nodesPerDatabase + 1);
    expect(databases * ASSUMED.eventsPerDatabase).toBeGreaterThanOrEqual(connections * profile.acked);
  }
});
