/** What every registry must do with subscriptions and connections; part of `contract-tests.ts`. */
import { describe, expect, it } from "vitest";
import type { Registry } from "./registry.ts";
import { type Holding, type KeptConnection, type KeptPending, type KeptSubscription, LISTED_SUBSCRIPTIONS } from "./subscriptions.ts";

const event: KeptPending = {
  offset: 8,
  eventId: "EV-0001000000000008",
  eventType: "transaction.completed",
  eventData: '{"amount":50000.00,"counterpartyName":"Zoë Ødegård 東京 \u{1f4b6}"}',
  sentAt: 1_800_000_000_100,
  attempts: 1,
  expiresAt: 1_800_000_060_100,
};

const subscription: KeptSubscription = {
  id: "0b7e6a54-6d0e-4c3f-9b0a-000000000001",
  tenant: "acme",
  userId: "ann",
  clientId: "desk-1",
  connectionId: "c-1",
  events: ["transaction", 'with "quotes" and ünïcode'],
  filters: '{"minAmount":50000.00,"counterparty":"Zoë"}',
  ackedOffset: 10,
  epoch: 7,
  pending: [event, pendingAt(10)],
  subscribedAt: 1_800_000_000_000,
  updatedAt: 1_800_000_000_200,
  unsubscribedAt: undefined,
  generation: 0,
  node: undefined,
};

const connection: KeptConnection = {
  id: "0b7e6a54-6d0e-4c3f-9b0a-0000000000c1",
  tenant: "acme",
  userId: "ann",
  connectionId: "c-1",
  clientId: "desk-1",
  socketId: undefined,
  surface: "transactions",
  connectedAt: 1_800_000_000_000,
  disconnectedAt: undefined,
  lastActivity: 1_800_000_000_000,
  ipAddress: "2001:db8::1",
  userAgent: undefined,
  status: "CONNECTED",
  node: undefined,
};

function pendingAt(offset: number): KeptPending {
  return { ...event, offset, eventId: `EV-${offset.toString(16).padStart(16, "0")}`, attempts: 2 };
}

/** Another one of the same user. */
function sibling(index: number): KeptSubscription {
  return { ...subscription, id: `id-${index}`, clientId: `client-${index}`, pending: [] };
}

export function subscriptionContract(current: () => Registry, reopen?: () => Promise<void>): void {
  const find = async () => current().findSubscription(subscription);

  describe("subscriptions", () => {
    it("are found as they were saved, digit for digit, by key and by id", async () => {
      const left = { ...sibling(2), connectionId: undefined, events: [], filters: "{}", unsubscribedAt: 5 };
      await current().saveSubscriptions([subscription, left]);
      expect(await find()).toEqual(subscription);
      expect(await current().subscriptionById("acme", "ann", subscription.id)).toEqual(subscription);
      expect(await current().findSubscription(left)).toEqual(left);
    });

    it("are nobody else's", async () => {
      await current().saveSubscriptions([subscription]);
      for (const part of ["tenant", "userId", "clientId"] as const)
        expect(await current().findSubscription({ ...subscription, [part]: "other" })).toBeUndefined();
      for (const [tenant, userId] of [["other", "ann"] as const, ["acme", "other"] as const]) {
        expect(await current().subscriptionById(tenant, userId, subscription.id)).toBeUndefined();
        expect(await current().subscriptionsOf(tenant, userId)).toEqual([]);
        expect(await current().deleteSubscription(tenant, userId, subscription.id, 9)).toBe(false);
      }
      expect(await find()).toEqual(subscription);
    });

    it("keep their pending events apart where another tenant's client has the same name", async () => {
      const foreign = { ...subscription, tenant: "other", id: "foreign", pending: [pendingAt(9)] };
      await current().saveSubscriptions([subscription, foreign]);
      await current().saveSubscriptions([{ ...foreign, pending: [] }]);
      expect(await find()).toEqual(subscription);
      expect((await current().findSubscription(foreign))?.pending).toEqual([]);
    });

    it("take everything from the newest save but the id, which stays the first one", async () => {
      await current().saveSubscriptions([subscription]);
      const next: KeptSubscription = {
        ...subscription,
        id: "another",
        connectionId: "c-2",
        events: ["fraud"],
        filters: '{"status":["FAILED"]}',
        ackedOffset: 12,
        pending: [pendingAt(12)],
        subscribedAt: 1_800_000_000_001,
        updatedAt: 1_800_000_000_300,
        unsubscribedAt: 1_800_000_000_300,
      };
      await current().saveSubscriptions([next]);
      expect(await find()).toEqual({ ...next, id: subscription.id });
      expect(await current().subscriptionById("acme", "ann", "another")).toBeUndefined();
      await current().saveSubscriptions([{ ...next, id: subscription.id, unsubscribedAt: undefined }]);
      expect(await find()).toEqual({ ...next, id: subscription.id, unsubscribedAt: undefined });
    });

    it("replace what is pending, in the order of offsets", async () => {
      await current().saveSubscriptions([subscription]);
      const pending = [pendingAt(9), { ...pendingAt(10), attempts: 3, sentAt: 4 }];
      await current().saveSubscriptions([{ ...subscription, pending }]);
      expect((await find())?.pending).toEqual(pending);
      await current().saveSubscriptions([{ ...subscription, pending: [] }]);
      expect((await find())?.pending).toEqual([]);
    });

    it("do not move back within an epoch, neither position nor pending", async () => {
      await current().saveSubscriptions([{ ...subscription, ackedOffset: 20, pending: [pendingAt(15)] }]);
      await current().saveSubscriptions([{ ...subscription, events: ["wallet"] }, sibling(2)]);
      expect(await find()).toEqual({ ...subscription, events: ["wallet"], ackedOffset: 20, pending: [pendingAt(15)] });
    });

    it("start anew in another epoch", async () => {
      await current().saveSubscriptions([subscription]);
      const anew = { ...subscription, epoch: 8, ackedOffset: 2, pending: [pendingAt(1)] };
      await current().saveSubscriptions([anew]);
      expect(await find()).toEqual(anew);
    });

    it("take the newest of each client in one batch, by the same rules", async () => {
      await current().saveSubscriptions([
        { ...subscription, ackedOffset: 30, pending: [pendingAt(30)] },
        sibling(2),
        { ...subscription, id: "second", ackedOffset: 12, events: ["fraud"] },
      ]);
      expect(await find()).toEqual({ ...subscription, events: ["fraud"], ackedOffset: 30, pending: [pendingAt(30)] });
      await current().saveSubscriptions([
        { ...subscription, ackedOffset: 40 },
        { ...subscription, ackedOffset: 1, epoch: 9, pending: [pendingAt(1)] },
      ]);
      expect(await find()).toMatchObject({ ackedOffset: 1, epoch: 9, pending: [pendingAt(1)] });
    });

    it("hold offsets beyond 32 bits", async () => {
      const far = { ...subscription, ackedOffset: 2 ** 47 - 1, pending: [pendingAt(2 ** 47 - 2), pendingAt(2 ** 47 - 1)] };
      await current().saveSubscriptions([far]);
      expect(await find()).toEqual(far);
    });

    it("take batches of any size, all or none", async () => {
      await current().saveSubscriptions([]);
      const many = Array.from({ length: 2000 }, (_, index) => ({ ...sibling(index), pending: [event, pendingAt(9), pendingAt(10)] }));
      const taken = { ...sibling(2000), id: "id-0" };
      await expect(current().saveSubscriptions([...many, taken])).rejects.toThrow();
      expect(await current().subscriptionsOf("acme", "ann")).toEqual([]);
      for (let round = 0; round < 2; round++) {
        await current().saveSubscriptions(many);
        for (const one of [many[0], many[999], many[1000], many[1999]]) expect(await current().findSubscription(one ?? taken)).toEqual(one);
      }
    });

    it("are listed newest first, without what is pending, up to a bound", async () => {
      const many = Array.from({ length: LISTED_SUBSCRIPTIONS + 5 }, (_, index) => ({ ...sibling(index), subscribedAt: index }));
      await current().saveSubscriptions([...many.slice(1), { ...subscription, subscribedAt: 0 }]);
      const { pending: _pending, ...newest } = many.at(-1) ?? subscription;
      const listed = await current().subscriptionsOf("acme", "ann");
      expect(listed[0]).toEqual(newest);
      expect(listed.map(({ subscribedAt }) => subscribedAt)).toEqual(
        many
          .slice(5)
          .map(({ subscribedAt }) => subscribedAt)
          .reverse(),
      );
    });

    it("are deleted with what is pending, once", async () => {
      await current().saveSubscriptions([subscription, { ...sibling(2), pending: [event] }]);
      expect(await current().deleteSubscription("acme", "ann", subscription.id, 9)).toBe(true);
      expect(await current().deleteSubscription("acme", "ann", subscription.id, 9)).toBe(false);
      expect(await find()).toBeUndefined();
      expect(await current().subscriptionById("acme", "ann", subscription.id)).toBeUndefined();
      expect(await current().subscriptionsOf("acme", "ann")).toHaveLength(1);
      expect(await current().findSubscription(sibling(2))).toEqual({ ...sibling(2), pending: [event] });
      const again = { ...subscription, id: "again", ackedOffset: 3, pending: [] };
      await current().saveSubscriptions([again]);
      expect(await find()).toEqual(again);
    });

    describe("of several nodes", () => {
      const key = { tenant: "acme", userId: "ann", clientId: "desk-1" };
      const taking = { ...key, id: "taken-id", node: "n-1", from: undefined, now: 5 };
      const take = async (node: string, from?: Holding) => {
        const taken = await current().takeSubscription({ ...taking, node, from });
        return "held" in taken ? taken.held : taken.subscription;
      };
      const held = (node: string, generation: number) => ({ node, generation });

      it("are taken over as they stand, with another generation each time", async () => {
        await current().saveSubscriptions([subscription]);
        expect(await take("n-1")).toEqual({ ...subscription, generation: 1, node: "n-1" });
        expect(await take("n-1")).toEqual({ ...subscription, generation: 2, node: "n-1" });
        expect(await find()).toEqual({ ...subscription, generation: 2, node: "n-1" });
      });

      it("are taken from a node by its name alone, or when it has let go", async () => {
        await current().saveSubscriptions([{ ...subscription, node: "n-1" }]);
        expect([await take("n-2"), await take("n-2", held("n-3", 0))]).toEqual([held("n-1", 0), held("n-1", 0)]);
        expect(await find()).toEqual({ ...subscription, node: "n-1" });
        expect(await take("n-2", held("n-1", 0))).toMatchObject({ generation: 1, node: "n-2" });
        await current().saveSubscriptions([{ ...subscription, generation: 1, node: undefined }]);
        expect(await take("n-3")).toMatchObject({ generation: 2, node: "n-3" });
      });

      it("are not taken from a node that let go and has taken them again", async () => {
        await current().saveSubscriptions([subscription]);
        await take("n-1");
        await take("n-1");
        expect(await take("n-2", held("n-1", 1))).toEqual(held("n-1", 2));
        expect(await take("n-2", held("n-1", 2))).toMatchObject({ generation: 3, node: "n-2" });
      });

      it("are not written by whom they were taken from, who is told so, and others in the same write are", async () => {
        await current().saveSubscriptions([subscription]);
        await take("n-1");
        await take("n-2", held("n-1", 1));
        const late = { ...subscription, generation: 1, node: "n-1", events: ["late"], ackedOffset: 99, pending: [] };
        const replaced = await current().saveSubscriptions([late, sibling(2)]);
        expect(replaced.map(({ clientId }) => clientId)).toEqual(["desk-1"]);
        expect(await find()).toEqual({ ...subscription, generation: 2, node: "n-2" });
        expect(await current().findSubscription(sibling(2))).toEqual(sibling(2));
        expect(await current().saveSubscriptions([{ ...subscription, generation: 2, ackedOffset: 11, pending: [] }])).toEqual([]);
        expect(await find()).toMatchObject({ ackedOffset: 11, generation: 2, node: undefined });
      });

      it("that nobody knows are taken too, and shown once they have subscribed", async () => {
        expect(await take("n-1")).toMatchObject({
          ...key,
          id: "taken-id",
          events: [],
          unsubscribedAt: undefined,
          generation: 1,
          node: "n-1",
        });
        expect(await take("n-2", held("n-1", 1))).toMatchObject({ generation: 2 });
        expect(await find()).toBeUndefined();
        expect(await current().subscriptionsOf("acme", "ann")).toEqual([]);
        expect(await current().saveSubscriptions([{ ...subscription, generation: 1 }])).toHaveLength(1);
        await current().saveSubscriptions([{ ...subscription, generation: 2 }]);
        expect(await find()).toEqual({ ...subscription, generation: 2 });
      });

      it("keep their generation when they are deleted, until that is swept", async () => {
        await current().saveSubscriptions([subscription]);
        await take("n-1");
        await take("n-1");
        await current().deleteSubscription("acme", "ann", subscription.id, 100);
        expect(await current().saveSubscriptions([{ ...subscription, generation: 1 }])).toHaveLength(1);
        expect(await find()).toBeUndefined();
        expect(await current().sweepSubscriptions(100)).toBe(0);
        expect(await current().sweepSubscriptions(101)).toBe(1);
        expect(await take("n-2")).toMatchObject({ generation: 1 });
        await current().saveSubscriptions([sibling(2)]);
        expect(await current().sweepSubscriptions(Number.MAX_SAFE_INTEGER)).toBe(1);
        expect(await current().findSubscription(sibling(2))).toEqual(sibling(2));
      });

      it("are taken by one of many at the same time", async () => {
        await current().saveSubscriptions([subscription]);
        const taken = await Promise.all(Array.from({ length: 10 }, (_, node) => take(`n-${node}`)));
        expect(taken.filter((each) => "events" in each)).toHaveLength(1);
      });
    });

    if (reopen !== undefined)
      it("survive a restart, and their end does too", async () => {
        await current().saveSubscriptions([subscription, sibling(2)]);
        await current().deleteSubscription("acme", "ann", sibling(2).id, 9);
        await reopen();
        expect(await find()).toEqual(subscription);
        expect(await current().findSubscription(sibling(2))).toBeUndefined();
      });
  });

  describe("connections", () => {
    const other = { ...connection, id: "other", connectionId: "c-2", socketId: "s", userAgent: "curl" };

    it("are open until they are saved with an end, and once each", async () => {
      await current().saveConnections([connection, { ...other, status: "AUTHENTICATING" }, other]);
      await current().saveConnections([{ ...connection, id: "ignored", status: "STALE", lastActivity: 3 }]);
      await current().saveConnections([{ ...other, status: "DISCONNECTED", disconnectedAt: 5 }]);
      expect(await current().closeOpenConnections(9)).toBe(1);
      expect(await current().closeOpenConnections(10)).toBe(0);
      expect(await current().sweepConnections(100)).toBe(2);
    });

    it("stay until they are swept, which takes those alone that ended before", async () => {
      await current().saveConnections([connection, { ...other, status: "DISCONNECTED", disconnectedAt: 5 }]);
      expect(await current().sweepConnections(5)).toBe(0);
      expect(await current().sweepConnections(6)).toBe(1);
      expect(await current().sweepConnections(Number.MAX_SAFE_INTEGER)).toBe(0);
      expect(await current().closeOpenConnections(9)).toBe(1);
      expect(await current().sweepConnections(9)).toBe(0);
      expect(await current().sweepConnections(10)).toBe(1);
    });

    it("of one node, or of all but some, are closed alone", async () => {
      const of = (node: string | undefined) => ({ ...connection, id: `of ${node}`, connectionId: `of ${node}`, node });
      await current().saveConnections(["n-1", "n-2", "n-3", undefined].map(of));
      expect(await current().closeOpenConnections(9, { node: "n-1" })).toBe(1);
      expect(await current().closeOpenConnections(9, { node: "n-1" })).toBe(0);
      await current().saveConnections([of("n-1")]);
      expect(await current().closeOpenConnections(9, { except: ["n-2", "n-1"] })).toBe(2);
      expect(await current().closeOpenConnections(9)).toBe(2);
    });

    it("take batches of any size", async () => {
      await current().saveConnections([]);
      const many = Array.from({ length: 2500 }, (_, index) => ({ ...connection, id: `id-${index}`, connectionId: `c-${index}` }));
      await current().saveConnections(many);
      expect(await current().closeOpenConnections(9)).toBe(2500);
    });

    if (reopen !== undefined)
      it("left open by a process that is gone are closed by the next", async () => {
        await current().saveConnections([connection]);
        await reopen();
        expect(await current().closeOpenConnections(9)).toBe(1);
        await reopen();
        expect(await current().sweepConnections(10)).toBe(1);
      });
  });
}
