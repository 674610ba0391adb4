import { expect, it } from "vitest";
import { Faults } from "./faults.ts";

function setUp() {
  const lines: string[] = [];
  let now = 0;
  const logger = { error: ({ err, untold }: { err: unknown; untold?: number }) => lines.push(`${String(err)} ${untold ?? 0}`) };
  const faults = new Faults(logger, () => now);
  return { lines, faults, pass: (ms: number) => (now += ms) };
}

it("tells the same fault once in ten seconds, with how often it came meanwhile, and another one at once", () => {
  const { lines, faults, pass } = setUp();
  for (let count = 0; count < 5; count++) faults.tell(new Error("away"));
  faults.tell(new Error("broken"));
  pass(9999);
  faults.tell(new Error("away"));
  pass(1);
  faults.tell(new Error("away"));
  expect(lines).toEqual(["Error: away 0", "Error: broken 0", "Error: away 5"]);
});

it("remembers a hundred", () => {
  const { lines, faults } = setUp();
  for (let count = 0; count <= 100; count++) faults.tell(new Error(`fault ${count}`));
  for (const count of [100, 1, 0]) faults.tell(new Error(`fault ${count}`));
  expect(lines.slice(101)).toEqual(["Error: fault 0 0"]);
});
