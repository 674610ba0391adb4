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

  it("names tables and columns as the contract lists them, and keeps connections in them as they are", async () => {
    const own = newDirectory();
    const registry = await openSqliteRegistry(own);
    const connection = { id: "row", tenant: "acme", userId: "ann", connectionId: "c-1", clientId: "desk-1", surface: "transactions" };
    const times = { connectedAt: 1, disconnectedAt: undefined, lastActivity: 2 };
    const peer = { socketId: undefined, ipAddress: "::1", userAgent: "Zoë/1" };
    await registry.saveConnections([{ ...connection, ...times, ...peer, status: "STALE", node: "n-1" }]);
    await registry.close();
    const database = new Database(join(own, REGISTRY_FILE));
    expect(database.prepare("select * from websocket_connections").get()).toEqual({
      id: "row",
      tenant_id: "acme",
      user_id: "ann",
      connection_id: "c-1",
      client_id: "desk-1",
      socket_id: null,
      surface: "transactions",
      connected_at: 1,
      disconnected_at: null,
      last_activity: 2,
      ip_address: "::1",
      user_agent: "Zoë/1",
      status: "STALE",
      node: "n-1",
    });
    const listed = {
      websocket_subscriptions:
        "id tenant_id user_id client_id connection_id event_types filters acked_offset subscribed_at unsubscribed_at",
      websocket_pending_events: "id client_id connection_id event_id event_type event_data sent_at attempts acked_at expires_at",
    };
    for (const [table, columns] of Object.entries(listed))
      expect(database.prepare("select name from pragma_table_info(?)").pluck().all(table)).toEqual(
        expect.arrayContaining(columns.split(" ")),
      );
    database.close();
  });

  it("brings what an older release wrote up to this one", async () => {
    const own = newDirectory();
    const before = await openSqliteRegistry(own);
    await before.claimNotice({ tenant: "acme", eventId: "EV-1", userId: "ann", kind: "smtp", claimedAt: 1, node: undefined });
    await before.close();
    const database = new Database(join(own, REGISTRY_FILE));
    for (const table of ["connections", "subscriptions", "pending_events"]) database.exec(`drop table websocket_${table}`);
    database.exec("alter table notices drop column node");
    database.exec("delete from kysely_migration where name > '0003'");
    database.close();
    const registry = await openSqliteRegistry(own);
    expect(await registry.closeOpenConnections(1)).toBe(0);
    expect(await registry.subscriptionsOf("acme", "ann")).toEqual([]);
    expect(await registry.listNotices({ limit: 2 })).toHaveLength(1);
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
