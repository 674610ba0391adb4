/** What every registry must do. Each adapter's test runs these. */
import { beforeEach, afterEach, describe, expect, it } from "vitest";
import { subscriptionContract } from "./contract-tests-subscriptions.ts";
import type { CookieSession, DurableCursor, NoticeClaim, NoticeEnd, Registry } from "./registry.ts";

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

const claim: NoticeClaim = {
  tenant: "acme",
  eventId: "EV-0001000000000001",
  userId: "ann",
  kind: "webhook",
  claimedAt: 1_800_000_000_000,
  node: undefined,
};

const end: NoticeEnd = {
  tenant: claim.tenant,
  eventId: claim.eventId,
  status: "sent",
  attempts: 2,
  lastError: undefined,
  doneAt: 1_800_000_001_000,
};

const open = { status: "claimed", attempts: 0, lastError: undefined, doneAt: undefined };

/** @param reopen closes the registry and opens it again over what it kept; left out where nothing is kept */
export function registryContract(openNew: () => Promise<Registry>, reopen?: (registry: Registry) => Promise<Registry>): void {
  let registry: Registry;
  beforeEach(async () => {
    registry = await openNew();
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

  describe("notices", () => {
    it("are claimed once for each event of a tenant, whatever became of the first claim", async () => {
      expect(await registry.claimNotice(claim)).toBe(true);
      expect(await registry.claimNotice({ ...claim, kind: "smtp", claimedAt: claim.claimedAt + 1 })).toBe(false);
      expect(await registry.claimNotice({ ...claim, tenant: "other" })).toBe(true);
      expect(await registry.listNotices({ tenant: "acme", limit: 10 })).toEqual([{ ...claim, ...open }]);
      await registry.finishNotice({ ...end, status: "failed", lastError: "answered 400" });
      expect(await registry.claimNotice(claim)).toBe(false);
    });

    it("are claimed once by many at the same time", async () => {
      const claims = await Promise.all(Array.from({ length: 20 }, async () => registry.claimNotice(claim)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });

    it("end once, as they were said to", async () => {
      await registry.claimNotice(claim);
      expect(await registry.finishNotice({ ...end, eventId: "unknown" })).toBe(false);
      expect(await registry.finishNotice({ ...end, tenant: "other" })).toBe(false);
      expect(await registry.finishNotice(end)).toBe(true);
      expect(await registry.finishNotice({ ...end, status: "failed" })).toBe(false);
      const { status, attempts, lastError, doneAt } = end;
      expect(await registry.listNotices({ limit: 10 })).toEqual([{ ...claim, status, attempts, lastError, doneAt }]);
    });

    it("can be claimed again once their claim was released, and not once they ended", async () => {
      expect(await registry.releaseNotice(claim)).toBe(false);
      await registry.claimNotice(claim);
      expect(await registry.releaseNotice({ ...claim, tenant: "other" })).toBe(false);
      expect(await registry.releaseNotice(claim)).toBe(true);
      expect(await registry.listNotices({ limit: 10 })).toEqual([]);
      expect(await registry.claimNotice(claim)).toBe(true);
      await registry.finishNotice(end);
      expect(await registry.releaseNotice(claim)).toBe(false);
      expect(await registry.claimNotice(claim)).toBe(false);
    });

    it("without an outcome become unknown when they are abandoned, the others stay", async () => {
      await registry.claimNotice(claim);
      await registry.claimNotice({ ...claim, eventId: "done" });
      await registry.finishNotice({ ...end, eventId: "done", lastError: "answered 503" });
      expect(await registry.abandonNotices(7)).toBe(1);
      expect(await registry.abandonNotices(8)).toBe(0);
      expect(await registry.finishNotice(end)).toBe(false);
      expect(await registry.listNotices({ limit: 10 })).toMatchObject([
        { eventId: "done", status: "sent", lastError: "answered 503", doneAt: end.doneAt },
        { eventId: claim.eventId, status: "unknown", lastError: undefined, doneAt: 7 },
      ]);
    });

    it("of one node, or of all but some, are abandoned alone", async () => {
      for (const node of ["n-1", "n-2", "n-3", undefined]) await registry.claimNotice({ ...claim, eventId: `of ${node}`, node });
      expect(await registry.abandonNotices(7, { node: "n-1" })).toBe(1);
      expect(await registry.abandonNotices(7, { node: "n-1" })).toBe(0);
      expect(await registry.abandonNotices(8, { except: ["n-2", "n-4"] })).toBe(2);
      const left = (await registry.listNotices({ limit: 10 })).filter(({ status }) => status === "claimed");
      expect(left.map(({ node }) => node)).toEqual(["n-2"]);
      expect(await registry.abandonNotices(9, { except: [] })).toBe(1);
    });

    it("are listed newest first, by tenant, in pages without a gap or a repetition", async () => {
      const claims = ["a", "b"].flatMap((tenant) =>
        Array.from({ length: 7 }, (_, index) => ({ ...claim, tenant, eventId: `EV-${index}`, claimedAt: 100 + Math.floor(index / 3) })),
      );
      for (const each of claims) await registry.claimNotice(each);
      const newestFirst = [...claims].reverse().sort((x, y) => y.claimedAt - x.claimedAt);
      for (const tenant of ["b", undefined]) {
        const listed: NoticeClaim[] = [];
        for (;;) {
          const page = await registry.listNotices({ tenant, limit: 3, after: listed.at(-1) });
          listed.push(...page);
          if (page.length < 3) break;
        }
        const expected = newestFirst.filter((each) => tenant === undefined || each.tenant === tenant);
        expect(listed).toEqual(expected.map((each) => ({ ...each, ...open })));
      }
      expect(await registry.listNotices({ tenant: "c", limit: 3 })).toEqual([]);
    });

    it("stay until they are swept, which leaves the younger ones and those without an outcome", async () => {
      await registry.claimNotice(claim);
      await registry.claimNotice({ ...claim, eventId: "open" });
      await registry.claimNotice({ ...claim, eventId: "younger", claimedAt: claim.claimedAt + 1 });
      await registry.finishNotice(end);
      await registry.finishNotice({ ...end, eventId: "younger" });
      expect(await registry.sweepNotices(claim.claimedAt)).toBe(0);
      expect(await registry.sweepNotices(claim.claimedAt + 1)).toBe(1);
      const left = await registry.listNotices({ limit: 10 });
      expect(left.map(({ eventId }) => eventId)).toEqual(["younger", "open"]);
    });

    if (reopen !== undefined)
      it("stay claimed over a restart, and their outcomes stay too", async () => {
        await registry.claimNotice(claim);
        await registry.claimNotice({ ...claim, eventId: "done" });
        await registry.finishNotice({ ...end, eventId: "done" });
        registry = await reopen(registry);
        expect(await registry.claimNotice(claim)).toBe(false);
        const listed = await registry.listNotices({ limit: 10 });
        expect(listed.map(({ eventId, status }) => [eventId, status])).toEqual([
          ["done", "sent"],
          [claim.eventId, "claimed"],
        ]);
      });
  });
  subscriptionContract(
    () => registry,
    reopen &&
      (async () => {
        registry = await reopen(registry);
      }),
  );
}
