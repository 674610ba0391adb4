import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const PRISMA = new URL("../examples/outbox/prisma/", import.meta.url);

it("Prisma's client in the examples is made of their schema", () => {
  const schema = readFileSync(new URL("schema.prisma", PRISMA), "utf8");
  const client = readFileSync(new URL("generated/internal/class.ts", PRISMA), "utf8");
  const [, inlined = '""'] = /"inlineSchema": ("(?:[^"\\]|\\.)*")/.exec(client) ?? [];
  expect(JSON.parse(inlined)).toBe(schema);
});
