import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { registryContract } from "../contract-tests.ts";
import { openSqliteRegistry, REGISTRY_FILE } from "./sqlite-registry.ts";

const root = mkdtempSync(join(tmpdir(), "broadtape-registry-"));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let directories = 0;
const newDirectory = () => join(root, String(++directories));

describe("the SQLite registry", () => {
  let directory = "";
  registryContract(
    async () => openSqliteRegistry((directory = newDirectory())),
    async (registry) => {
      await registry.close();
      return openSqliteRegistry(directory);
    },
  );

  it("finishes what was asked before it closes, and takes nothing after", async () => {
    const own = newDirectory();
    const registry = await openSqliteRegistry(own);
    const ended = registry.endSession("none");
    await registry.close();
    expect(await ended).toBe(false);
    await expect(registry.findSession("none")).rejects.toThrow("closed");
    await registry.close();
  });

  it("names the file that is no registry", async () => {
    const own = newDirectory();
    await (await openSqliteRegistry(own)).close();
    const file = join(own, REGISTRY_FILE);
    rmSync(file);
    writeFileSync(file, "no database at all, but long enough to be looked at as one".repeat(20));
    await expect(openSqliteRegistry(own)).rejects.toThrow(file);
  });

  it("refuses what a newer release wrote", async () => {
    const own = newDirectory();
    await (await openSqliteRegistry(own)).close();
    const database = new Database(join(own, REGISTRY_FILE));
    database.prepare("insert into kysely_migration values ('0999-from-the-future', '2030-01-01')").run();
    database.close();
    await expect(openSqliteRegistry(own)).rejects.toThrow("0999-from-the-future");
  });
});
