/** What every registry must do. Each adapter's test runs these. */
import { beforeEach, afterEach, describe, expect, it } from "vitest";
import type { CookieSession, DurableCursor, Registry } from "./registry.ts";

const session: CookieSession = {
  idHash: "h".repeat(43),
  userId: "ann",
  tenant: "acme",
  permissions: ["rfq:read:team", 'with "quotes" and ünïcode'],
  team: [],
  name: undefined,
  createdAt: 1_800_000_000_000,
  expiresAt: 1_800_000_060_000,
};

const cursor: DurableCursor = {
  tenant: "acme",
  userId: "ann",
  clientId: "desk-1",
  surface: "transactions",
  ackedOffset: 10,
  epoch: 7,
  updatedAt: 1_800_000_000_000,
};

/** @param reopen closes the registry and opens it again over what it kept; left out where nothing is kept */
export function registryContract(open: () => Promise<Registry>, reopen?: (registry: Registry) => Promise<Registry>): void {
  let registry: Registry;
  beforeEach(async () => {
    registry = await open();
  });
  afterEach(async () => {
    await registry.close();
  });

  describe("cookie sessions", () => {
    it("are found as they were saved", async () => {
      await registry.saveSession(session);
      await registry.saveSession({ ...session, idHash: "other", name: "Bob" });
      expect(await registry.findSession(session.idHash)).toEqual(session);
      expect((await registry.findSession("other"))?.name).toBe("Bob");
      expect(await registry.findSession("unknown")).toBeUndefined();
    });

    it("are gone once ended, and end once", async () => {
      await registry.saveSession(session);
      expect(await registry.endSession(session.idHash)).toBe(true);
      expect(await registry.endSession(session.idHash)).toBe(false);
      expect(await registry.findSession(session.idHash)).toBeUndefined();
    });

    it("stay until they are swept, which takes the expired ones alone", async () => {
      await registry.saveSession(session);
      await registry.saveSession({ ...session, idHash: "later", expiresAt: session.expiresAt + 1 });
      expect(await registry.sweepSessions(session.expiresAt)).toBe(0);
      expect(await registry.findSession(session.idHash)).toEqual(session);
      expect(await registry.sweepSessions(session.expiresAt + 1)).toBe(1);
      expect(await registry.findSession(session.idHash)).toBeUndefined();
      expect(await registry.findSession("later")).toBeDefined();
    });

    if (reopen !== undefined)
      it("survive a restart, and their end does too", async () => {
        await registry.saveSession(session);
        await registry.saveSession({ ...session, idHash: "ended" });
        await registry.endSession("ended");
        registry = await reopen(registry);
        expect(await registry.findSession(session.idHash)).toEqual(session);
        expect(await registry.findSession("ended")).toBeUndefined();
      });
  });

  describe("durable cursors", () => {
    it("are found by all four parts of their key", async () => {
      await registry.saveCursors([cursor]);
      expect(await registry.findCursor(cursor)).toEqual(cursor);
      for (const part of ["tenant", "userId", "clientId", "surface"] as const) {
        expect(await registry.findCursor({ ...cursor, [part]: "other" })).toBeUndefined();
      }
    });

    it("move forward, never back within an epoch", async () => {
      await registry.saveCursors([cursor]);
      await registry.saveCursors([{ ...cursor, ackedOffset: 20, updatedAt: 2 }]);
      await registry.saveCursors([{ ...cursor, ackedOffset: 15, updatedAt: 3 }]);
      expect(await registry.findCursor(cursor)).toEqual({ ...cursor, ackedOffset: 20, updatedAt: 3 });
    });

    it("start anew in another epoch", async () => {
      await registry.saveCursors([cursor]);
      await registry.saveCursors([{ ...cursor, ackedOffset: 2, epoch: 8 }]);
      expect(await registry.findCursor(cursor)).toEqual({ ...cursor, ackedOffset: 2, epoch: 8 });
    });

    it("take the newest of each key in one batch", async () => {
      await registry.saveCursors([
        cursor,
        { ...cursor, ackedOffset: 30 },
        { ...cursor, ackedOffset: 12 },
        { ...cursor, clientId: "desk-2" },
      ]);
      expect((await registry.findCursor(cursor))?.ackedOffset).toBe(30);
      expect((await registry.findCursor({ ...cursor, clientId: "desk-2" }))?.ackedOffset).toBe(10);
      await registry.saveCursors([
        { ...cursor, ackedOffset: 40 },
        { ...cursor, ackedOffset: 1, epoch: 9 },
      ]);
      expect(await registry.findCursor(cursor)).toMatchObject({ ackedOffset: 1, epoch: 9 });
    });

    it("take batches of any size", async () => {
      await registry.saveCursors([]);
      await registry.saveCursors(
        Array.from({ length: 2500 }, (_, index) => ({ ...cursor, clientId: `client-${index}`, ackedOffset: index })),
      );
      expect((await registry.findCursor({ ...cursor, clientId: "client-2499" }))?.ackedOffset).toBe(2499);
    });

    it("hold offsets beyond 32 bits", async () => {
      await registry.saveCursors([{ ...cursor, ackedOffset: 2 ** 47 - 1 }]);
      expect((await registry.findCursor(cursor))?.ackedOffset).toBe(2 ** 47 - 1);
    });
  });
}
