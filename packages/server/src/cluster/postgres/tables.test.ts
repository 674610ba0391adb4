import { expect, it } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { query } from "../../../../../test/postgres.ts";
import { prepareTables } from "./tables.ts";

it("has no unlogged sequence, which nobody can read on a standby that took over", async () => {
  const url = await newDatabase();
  await prepareTables({ url });
  const sequences = await query(url, "select relname as name, relpersistence as persistence from pg_class where relkind = 'S'");
  expect(sequences).toEqual([{ name: "letter_numbers", persistence: "p" }]);
});
