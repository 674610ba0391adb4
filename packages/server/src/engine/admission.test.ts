import { describe, expect, it } from "vitest";
import { BadEvents } from "./validate.ts";
import { Guards } from "./admission.ts";
import type { Product } from "./product.ts";
import { newMemoryDisk } from "../log/memory/memory-disk.ts";
import { rfqProduct } from "../products/rfq/declaration.ts";
import { strategiesProduct } from "../products/strategies/declaration.ts";
import { LogUnavailable } from "../log/log.ts";
import { Rig } from "../../testing/rig.ts";

const publisher = { userId: "desk", tenant: "acme", anyTenant: false, correlationId: "c" };
const rfq = (type: string, rfqId: string, data: object = {}, id?: string) => ({
  type,
  data: { rfqId, ...data },
  ...(id !== undefined && { id }),
});
const created = (rfqId: string, id?: string) =>
  rfq("rfq.created", rfqId, { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 1, expiresAt: 1e12 }, id);

async function setUp() {
  const rig = await Rig.start({ products: [rfqProduct] });
  const publish = (...events: object[]) => rig.engine.publish(events, publisher);
  const types = () => rig.disk.events.map(({ event }) => event.type);
  return { rig, publish, types };
}

/** The faults of a batch that has to be refused. */
async function faultsOf(publishing: Promise<unknown>) {
  const error = await publishing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BadEvents)) throw new Error(`not refused: ${String(error)}`);
  return error.faults;
}

describe("admission against state", () => {
  it("sees what the events before make of the entity, within a batch", async () => {
    const { publish, types } = await setUp();
    await publish(created("a"), rfq("rfq.quoted", "a"), rfq("rfq.cancelled", "a", { reason: "x" }));
    expect(await faultsOf(publish(created("b"), rfq("rfq.quoted", "b"), rfq("rfq.validated", "b")))).toMatchObject([{ index: 2 }]);
    expect(await faultsOf(publish(created("b"), created("b")))).toMatchObject([{ index: 1, path: "data.rfqId" }]);
    expect(types()).toEqual(["rfq.created", "rfq.quoted", "rfq.cancelled"]);
  });

  it("sees what batches on their way make of it, in the order in which they came", async () => {
    const { publish, types } = await setUp();
    const outcomes = await Promise.allSettled([
      publish(created("a")),
      publish(rfq("rfq.quoted", "a")),
      publish(rfq("rfq.filled", "a", { tradeId: "t", price: 1, quantity: 1 })),
      publish(rfq("rfq.cancelled", "a", { reason: "too late" })),
      publish(created("b"), rfq("rfq.quoted", "b")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(types().filter((type) => type === "rfq.cancelled")).toEqual([]);
  });

  it("builds on nothing that the log did not take", async () => {
    const { rig, publish, types } = await setUp();
    rig.disk.failure = new Error("disk full");
    const first = publish(created("a"));
    const second = publish(rfq("rfq.quoted", "a"));
    await expect(first).rejects.toThrow("disk full");
    rig.disk.failure = undefined;
    expect(await faultsOf(second)).toMatchObject([{ message: "there is no RFQ a" }]);
    expect(types()).toEqual([]);
  });

  it("lets a repetition through to the log, which answers for the first", async () => {
    const { publish, types } = await setUp();
    await publish(created("a", "1"), rfq("rfq.cancelled", "a", { reason: "x" }, "2"));
    const { results } = await publish(created("a", "1"), rfq("rfq.cancelled", "a", { reason: "x" }, "2"));
    expect(results.map(({ offset, duplicate }) => [offset, duplicate])).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(await faultsOf(publish(created("a", "3")))).toMatchObject([{ offset: 2 }]);
    expect(types()).toHaveLength(2);
  });

  it("keeps what the publisher said, and adds whose it is", async () => {
    const { rig, publish } = await setUp();
    await publish(created("a"));
    await publish(rfq("rfq.cancelled", "a", { reason: "x", note: { kept: true } }));
    expect(JSON.parse(rig.disk.events[1]?.event.data ?? "")).toEqual({
      rfqId: "a",
      reason: "x",
      note: { kept: true },
      traderId: "ann",
      symbol: "EUR/USD",
    });
  });
});

describe("repetitions", () => {
  it("are what the log takes for some: an id that is taken makes no RFQ on which the batch could go on", async () => {
    const { publish, types } = await setUp();
    await publish(created("a", "1"));
    expect(await faultsOf(publish(created("b", "1"), rfq("rfq.quoted", "b")))).toMatchObject([{ index: 1, message: "there is no RFQ b" }]);
    expect((await publish(created("b", "1"))).results).toMatchObject([{ offset: 1, duplicate: true }]);
    expect(types()).toEqual(["rfq.created"]);
  });

  it("pass with what is new, and are told apart from what may not be", async () => {
    const { publish } = await setUp();
    await publish(created("a", "1"));
    const { results } = await publish(created("a", "1"), rfq("rfq.quoted", "a", {}, "2"));
    expect(results).toMatchObject([{ duplicate: true }, { duplicate: false, offset: 2 }]);
    expect(await faultsOf(publish(created("a", "1"), created("a", "3")))).toMatchObject([{ index: 1 }]);
    expect(await faultsOf(publish(created("a", "4"), created("a")))).toMatchObject([{ index: 0 }, { index: 1 }]);
  });
});

describe("admission on several nodes", () => {
  /** Nodes over one disk that hear nothing of each other: each knows what it stored, and what it was made to read. */
  async function setUpNodes() {
    const disk = newMemoryDisk(7);
    const rigs = [await Rig.start({ disk, products: [rfqProduct] }), await Rig.start({ disk, products: [rfqProduct] })];
    const publish = (node: number, ...events: object[]) => {
      const rig = rigs[node];
      if (rig === undefined) throw new Error("no such node");
      return rig.engine.publish(events, publisher);
    };
    return { rigs, disk, publish, types: () => disk.events.map(({ event }) => event.type) };
  }

  it("refuses nothing for want of what another node has stored", async () => {
    const { publish, types } = await setUpNodes();
    await publish(0, created("a"));
    await publish(1, rfq("rfq.quoted", "a"));
    await publish(0, rfq("rfq.filled", "a", { tradeId: "t", price: 1, quantity: 1 }));
    expect(await faultsOf(publish(1, rfq("rfq.cancelled", "a", { reason: "x" })))).toMatchObject([
      { message: "RFQ a is filled (offset 3)" },
    ]);
    expect(types()).toEqual(["rfq.created", "rfq.quoted", "rfq.filled"]);
  });

  it("lets one of two through that exclude each other, and refuses the other for it", async () => {
    const { publish, types, rigs } = await setUpNodes();
    await publish(0, created("a"), rfq("rfq.quoted", "a"));
    await publish(1, created("b"));
    const outcomes = await Promise.allSettled([
      publish(0, rfq("rfq.filled", "a", { tradeId: "t", price: 1, quantity: 1 })),
      publish(1, rfq("rfq.cancelled", "a", { reason: "x" })),
      publish(1, rfq("rfq.quoted", "b")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: { faults: [{ message: "RFQ a is filled (offset 4)" }] } });
    expect(types().filter((type) => type === "rfq.cancelled")).toEqual([]);
    expect(rigs.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it("answers a repetition at another node with the first", async () => {
    const { publish, types } = await setUpNodes();
    await publish(0, created("a", "1"));
    await publish(0, rfq("rfq.cancelled", "a", { reason: "x" }, "2"));
    expect((await publish(1, created("a", "1"))).results).toMatchObject([{ offset: 1, duplicate: true }]);
    expect((await publish(1, rfq("rfq.cancelled", "a", { reason: "x" }, "2"))).results).toMatchObject([{ offset: 2, duplicate: true }]);
    expect(types()).toHaveLength(2);
  });

  it("gives up after some rounds where another is faster each time, and lets the publisher come again", async () => {
    const { publish, rigs } = await setUpNodes();
    await publish(1, created("a"));
    const [, slow] = rigs;
    if (slow === undefined) throw new Error("no such node");
    const { append } = slow.log;
    let rounds = 0;
    slow.log.append = async (events, guard) => {
      await publish(0, rfq("rfq.extended", "a", { newExpiresAt: 1e12 + ++rounds }));
      return append.call(slow.log, events, guard);
    };
    await expect(publish(1, rfq("rfq.quoted", "a"))).rejects.toMatchObject({ name: "LogUnavailable", retryAfterMs: 1000 });
    expect(rounds).toBe(50);
    slow.log.append = append;
    await publish(1, rfq("rfq.quoted", "a"));
  });

  it("is unavailable, and no refusal, while it cannot be known what others stored", async () => {
    const { publish, rigs } = await setUpNodes();
    await publish(0, created("a"));
    const [, cut] = rigs;
    if (cut === undefined) throw new Error("no such node");
    cut.log.refresh = () => Promise.reject(new LogUnavailable("the database does not answer"));
    await expect(publish(1, rfq("rfq.quoted", "a"))).rejects.toThrow(LogUnavailable);
    expect(cut.faults).toEqual([]);
  });

  it("asks the log for nothing but the append where a batch is good, and for nothing at all where nobody admits", async () => {
    const { publish, rigs } = await setUpNodes();
    let looks = 0;
    for (const { log } of rigs) {
      const { refresh } = log;
      log.refresh = () => ((looks += 1), refresh.call(log));
    }
    await publish(0, created("a"));
    await publish(0, rfq("rfq.quoted", "a"));
    expect(looks).toBe(0);
  });
});

describe("a product that admits", () => {
  const products: readonly [Product, readonly object[]][] = [
    [rfqProduct, Object.keys(rfqProduct.types).map((type) => ({ type, data: { rfqId: "e", traderId: "ann" } }))],
    [strategiesProduct, Object.keys(strategiesProduct.types).map((type) => ({ type, data: { strategyId: "e", userId: "ann" } }))],
  ];

  it.each(products)("finds each of its events under the topics by which they are admitted", (product, events) => {
    for (const event of events) {
      const draft = { tenant: "acme", text: "", offset: 0, storedAt: 0, time: "", ...(event as { type: string; data: object }) };
      expect(product.topicsOf(draft)).toEqual(expect.arrayContaining([...(product.admitsBy?.(draft) ?? ["?"])]));
    }
  });
});

describe("guards", () => {
  it("hold nothing when nobody is on the way, and no more than they may", async () => {
    const guards = new Guards(3);
    const topics = (...names: string[]) => names.map((name) => ({ tenant: "acme", name }));
    let open: () => void = () => undefined;
    const first = guards.pass(topics("a", "b"), 2, () => new Promise<string>((resolve) => (open = () => resolve("first"))));
    const second = guards.pass(topics("b", "c"), 1, () => Promise.reject(new Error("second")));
    await expect(guards.pass(topics("z"), 1, () => Promise.resolve())).rejects.toThrow("wait to be checked");
    expect(guards.size).toBe(3);
    await Promise.resolve();
    open();
    expect(await first).toBe("first");
    await expect(second).rejects.toThrow("second");
    expect(guards.size).toBe(0);
    expect(await guards.pass(topics("b"), 3, () => Promise.resolve("after"))).toBe("after");
  });
});
