import { beforeAll, describe, expect, it } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { query } from "../../../../../test/postgres.ts";
import { registryContract } from "../contract-tests.ts";
import { openPostgresRegistry } from "./postgres-registry.ts";

let url: string;
beforeAll(async () => {
  url = await newDatabase();
});

let schemas = 0;
const newPlace = () => ({ url, schema: `registry ${++schemas}` });

describe("the registry in PostgreSQL", () => {
  let place: ReturnType<typeof newPlace>;
  registryContract(
    async () => openPostgresRegistry((place = newPlace())),
    async (registry) => {
      await registry.close();
      return openPostgresRegistry(place);
    },
  );

  const claim = { tenant: "acme", eventId: "EV-1", userId: "ann", kind: "smtp", claimedAt: 1, node: undefined };

  it("is made once by many nodes that start at the same time, and they share it", async () => {
    const own = newPlace();
    const registries = await Promise.all(Array.from({ length: 4 }, () => openPostgresRegistry(own)));
    const claims = await Promise.all(registries.map((registry) => registry.claimNotice(claim)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    await Promise.all(registries.map((registry) => registry.close()));
  });

  it("takes what many nodes save of the same clients, each in another order", async () => {
    const own = newPlace();
    const registries = await Promise.all([openPostgresRegistry(own), openPostgresRegistry(own)]);
    const times = { connectedAt: 1, disconnectedAt: undefined, lastActivity: 2 };
    const connections = Array.from({ length: 300 }, (_, index) => {
      const peer = {
        tenant: "acme",
        userId: "ann",
        clientId: undefined,
        socketId: undefined,
        ipAddress: "::1",
        userAgent: "Zoë/1",
        node: undefined,
      };
      return { ...peer, ...times, id: `id-${index}`, connectionId: `c-${index}`, surface: "transactions", status: "CONNECTED" as const };
    });
    const saves = Array.from({ length: 10 }, (_, round) => {
      const order = round % 2 === 0 ? connections : connections.toReversed();
      return registries.map((registry) => registry.saveConnections(order));
    });
    await Promise.all(saves.flat());
    expect(await registries[0].closeOpenConnections(9)).toBe(300);
    await Promise.all(registries.map((registry) => registry.close()));
  });

  it("keeps names with characters that PostgreSQL's texts do not take", async () => {
    const registry = await openPostgresRegistry(newPlace());
    const odd = "a\u0000b\u0010c";
    await registry.claimNotice({ ...claim, eventId: odd });
    expect(await registry.claimNotice({ ...claim, eventId: odd })).toBe(false);
    expect(await registry.listNotices({ limit: 2 })).toMatchObject([{ eventId: odd }]);
    await registry.close();
  });

  it("finishes what was asked before it closes, and takes nothing after", async () => {
    const registry = await openPostgresRegistry(newPlace());
    const ended = registry.endSession("none");
    await registry.close();
    expect(await ended).toBe(false);
    await expect(registry.findSession("none")).rejects.toThrow("closed");
    await registry.close();
  });

  it("refuses what a newer release wrote", async () => {
    const own = newPlace();
    await (await openPostgresRegistry(own)).close();
    await query(url, `insert into "${own.schema}".kysely_migration values ('0999-from-the-future', '2030-01-01')`);
    await expect(openPostgresRegistry(own)).rejects.toThrow("0999-from-the-future");
  });

  it("says in one line, without the password, that the database is not there", async () => {
    const refused = openPostgresRegistry({ url: "postgres://ann:hunter2@127.0.0.1:1/none" });
    await expect(refused).rejects.toThrow(/^the database cannot be opened as a Broadtape registry: connect ECONNREFUSED 127\.0\.0\.1:1$/);
  });
});
