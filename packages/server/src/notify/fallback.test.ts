import { describe, expect, it } from "vitest";
import { ledgerId } from "@broadtape/protocol/event-id";
import { transactionsProduct } from "../products/transactions/declaration.ts";
import { createMemoryRegistry } from "../registry/memory.ts";
import { Nodes } from "../../testing/nodes.ts";
import { Rig, type RigOptions, identityOf } from "../../testing/rig.ts";
import { Delivery } from "../engine/delivery.ts";
import { Fallback } from "./fallback.ts";
import type { Notice } from "./notifier.ts";

const publisher = { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" };
const RULES = { window: 10, redeliverMs: 1e9, sends: 1 };

async function setUp(options: RigOptions = {}, taking: () => "taken" | "refused" = () => "taken") {
  const registry = createMemoryRegistry();
  const rig = await Rig.start({ products: [transactionsProduct], subscriptions: registry, ...options });
  const taken: Notice[] = [];
  const take = (notice: Notice) => {
    const outcome = taking();
    if (outcome === "taken") taken.push(notice);
    return outcome;
  };
  const fallback = new Fallback(rig.engine, { waitMs: 30_000, take, store: registry, onFault: (error) => rig.faults.push(error) });
  const alert = async (action: string, userId = "ann") => {
    const data = { userId, alert: { transactionId: "t1", riskScore: 0.91, reason: "odd", action, details: { pin: "1234" } } };
    const { results } = await rig.engine.publish([{ type: "fraud.alert", data }], publisher);
    rig.clock.turn();
    return results[0]?.offset ?? 0;
  };
  return { rig, registry, taken, fallback, alert };
}

describe("a fraud alert", () => {
  it.each(["REVIEW", "BLOCK"])("that says %s and is not acknowledged goes to the notifier, once, when its time is up", async (action) => {
    const { rig, taken, alert } = await setUp();
    const offset = await alert(action);
    rig.clock.advance(29_900);
    expect(taken).toEqual([]);
    rig.clock.advance(200_000);
    expect(taken).toHaveLength(1);
    expect(taken[0]).toMatchObject({ tenant: "acme", userId: "ann", eventId: ledgerId(7, offset), type: "fraud.alert" });
    expect(JSON.parse(taken[0]?.alert ?? "")).toEqual({
      transactionId: "t1",
      riskScore: 0.91,
      reason: "odd",
      action,
      details: { pin: "[redacted]" },
    });
  });

  it("that was allowed is no news", async () => {
    const { rig, taken, alert } = await setUp();
    await alert("ALLOWED");
    rig.clock.advance(60_000);
    expect(taken).toEqual([]);
  });

  it("that any device has acknowledged is not told again", async () => {
    const { rig, taken, alert, fallback } = await setUp();
    const { session } = rig.open(identityOf("ann"));
    session.guarantee(new Delivery(RULES, rig.clock, { acked: { upTo: 0, gaps: [] }, attempts: new Map() }));
    await rig.follow(session, { topics: ["fraud:me"] });
    const offset = await alert("BLOCK");
    expect(fallback.size).toBe(1);
    session.acked(session.outbox.delivery?.ackUpTo(offset) ?? []);
    expect(fallback.size).toBe(0);
    rig.clock.advance(60_000);
    expect(taken).toEqual([]);
  });

  it("that the notifier has no room for is handed in again", async () => {
    const outcomes = ["refused", "refused", "taken"] as const;
    let call = 0;
    const { rig, taken, alert } = await setUp({}, () => outcomes[call++] ?? "taken");
    await alert("BLOCK");
    rig.clock.advance(30_000);
    rig.clock.advance(10_000);
    expect([taken.length, call]).toEqual([1, 3]);
  });
});

describe("after a restart", () => {
  it("alerts without an ack are taken up, those with one are not", async () => {
    const first = await setUp();
    await first.alert("BLOCK", "ann");
    await first.alert("REVIEW", "ben");
    const [tenant, epoch] = ["acme", 7];
    const place = {
      ackedOffset: 2,
      epoch,
      pending: [],
      subscribedAt: 0,
      updatedAt: 0,
      unsubscribedAt: undefined,
      connectionId: undefined,
      generation: 0,
      node: undefined,
    };
    await first.registry.saveSubscriptions([
      { id: "1", tenant, userId: "ben", clientId: "phone", events: ["fraud"], filters: "{}", ...place },
    ]);
    const second = await setUp({ disk: first.rig.disk, clock: first.rig.clock });
    const fallback = new Fallback(second.rig.engine, {
      waitMs: 30_000,
      take: (notice) => {
        second.taken.push(notice);
        return "taken";
      },
      store: first.registry,
      onFault: (error) => second.rig.faults.push(error),
    });
    await fallback.resume();
    first.rig.clock.advance(31_000);
    await second.rig.settle();
    expect(second.taken.map(({ userId }) => userId)).toEqual(["ann"]);
    expect(second.rig.faults).toEqual([]);
  });

  it("nothing is taken once it was stopped", async () => {
    const { rig, taken, alert, fallback } = await setUp();
    await alert("BLOCK");
    fallback.stop();
    rig.clock.advance(60_000);
    expect([taken, fallback.size]).toEqual([[], 0]);
  });
});

describe("on several nodes", () => {
  async function setUpNodes() {
    const nodes = await Nodes.start(3, { products: [transactionsProduct] });
    const taken: Notice[] = [];
    const fallbacks = nodes.rigs.map((rig) => {
      const dispatcher = createDispatcher(nodes, taken);
      const options = { waitMs: 30_000, take: dispatcher, store: nodes.registry, onFault: (error: unknown) => nodes.faults.push(error) };
      return new Fallback(rig.engine, options);
    });
    const device = nodes.rig(1).open(identityOf("ann"));
    device.session.guarantee(new Delivery(RULES, nodes.clock, { acked: { upTo: 0, gaps: [] }, attempts: new Map() }));
    nodes.rig(1).engine.follow(device.session, { topics: ["fraud:me"] }, 10, () => undefined);
    const alert = async () => {
      const data = { userId: "ann", alert: { transactionId: "t1", riskScore: 0.91, reason: "odd", action: "BLOCK", details: {} } };
      const { results } = await nodes.wait(nodes.rig(0).engine.publish([{ type: "fraud.alert", data }], publisher));
      await nodes.refresh();
      return results[0]?.offset ?? 0;
    };
    const acknowledge = (offset: number) => device.session.acked(device.session.outbox.delivery?.ackUpTo(offset) ?? []);
    return { nodes, taken, fallbacks, alert, acknowledge };
  }

  /** As the dispatcher does: whoever claims it in the registry sends it. */
  const createDispatcher = (nodes: Nodes, taken: Notice[]) => (notice: Notice) => {
    const { tenant, eventId, userId } = notice;
    void nodes.registry.claimNotice({ tenant, eventId, userId, kind: "webhook", claimedAt: 0, node: undefined }).then((isOurs) => {
      if (isOurs) taken.push(notice);
    });
    return "taken" as const;
  };

  it("an alert that a device acknowledged at one of them goes out from none", async () => {
    const { nodes, taken, fallbacks, alert, acknowledge } = await setUpNodes();
    const offset = await alert();
    expect(fallbacks.map(({ size }) => size)).toEqual([1, 1, 1]);
    acknowledge(offset);
    await nodes.settle();
    expect(fallbacks.map(({ size }) => size)).toEqual([0, 0, 0]);
    await nodes.settle(60_000);
    expect(taken).toEqual([]);
  });

  it("an alert without an ack goes out once", async () => {
    const { nodes, taken, alert } = await setUpNodes();
    await alert();
    await nodes.settle(60_000);
    expect(taken).toHaveLength(1);
    expect(nodes.faults).toEqual([]);
  });

  it("an ack that could not be told is asked for, in the last moment too", async () => {
    const { nodes, taken, fallbacks, alert, acknowledge } = await setUpNodes();
    const offset = await alert();
    nodes.setConnected(1, false);
    acknowledge(offset);
    await nodes.settle();
    nodes.setConnected(1, true);
    await nodes.settle();
    expect(fallbacks.map(({ size }) => size)).toEqual([1, 0, 1]);
    await nodes.settle(60_000);
    expect(taken).toEqual([]);
  });

  it("is not held up by a node that does not answer", async () => {
    const { nodes, taken, alert } = await setUpNodes();
    await alert();
    await nodes.settle(28_000);
    nodes.setConnected(1, false);
    nodes.setConnected(2, false);
    await nodes.settle(10_000);
    expect(taken).toHaveLength(1);
  });
});
