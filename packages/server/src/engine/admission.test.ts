import { describe, expect, it } from "vitest";
import { BadEvents } from "./validate.ts";
import { Guards } from "./admission.ts";
import { rfqProduct } from "../products/rfq/declaration.ts";
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

describe("guards", () => {
  it("hold nothing when nobody is on the way, and no more than they may", async () => {
    const guards = new Guards(3);
    let open: () => void = () => undefined;
    const first = guards.pass(["a", "b"], 2, () => new Promise<string>((resolve) => (open = () => resolve("first"))));
    const second = guards.pass(["b", "c"], 1, () => Promise.reject(new Error("second")));
    await expect(guards.pass(["z"], 1, () => Promise.resolve())).rejects.toThrow("wait to be checked");
    expect(guards.size).toBe(3);
    await Promise.resolve();
    open();
    expect(await first).toBe("first");
    await expect(second).rejects.toThrow("second");
    expect(guards.size).toBe(0);
    expect(await guards.pass(["b"], 3, () => Promise.resolve("after"))).toBe("after");
  });
});
