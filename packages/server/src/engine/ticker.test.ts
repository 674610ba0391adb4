import { describe, expect, it } from "vitest";
import { rfqProduct } from "../products/rfq/declaration.ts";
import { Rig, identityOf } from "../../testing/rig.ts";

async function setUp() {
  const rig = await Rig.start({ products: [rfqProduct] });
  const begin = rig.clock.now();
  const say = async (type: string, rfqId: string, data: object = {}) => {
    await rig.engine.publish([{ type, data: { rfqId, ...data } }], {
      userId: "desk",
      tenant: "acme",
      anyTenant: false,
      correlationId: "c",
    });
    rig.clock.turn();
  };
  const create = (rfqId: string, seconds: number) =>
    say("rfq.created", rfqId, { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 1, expiresAt: begin + seconds * 1000 });
  const pass = async (ms: number) => {
    rig.clock.advance(ms);
    await rig.settle();
  };
  const follower = async (...ids: string[]) => {
    const { session, client } = rig.open(identityOf("ann"));
    await rig.follow(session, { topics: ids.map((id) => `rfq:${id}`) });
    const seconds = () =>
      client
        .bodies("event")
        .flatMap((body) =>
          JSON.stringify(body).includes("timeRemaining") ? [(body as { data: { timeRemaining: number } }).data.timeRemaining] : [],
        );
    return { session, seconds };
  };
  return { rig, say, create, pass, follower };
}

describe("the countdown", () => {
  it("is told each second while quotes may come, and ends with zero", async () => {
    const { create, say, pass, follower } = await setUp();
    await create("a", 4.5);
    const { seconds } = await follower("a");
    await pass(100);
    expect(seconds()).toEqual([]);
    await say("rfq.distributed", "a", { lpCount: 1 });
    expect(seconds()).toEqual([4]);
    for (let step = 0; step < 100; step++) await pass(100);
    expect(seconds()).toEqual([4, 3, 2, 1, 0]);
  });

  it("ends with a final state, and starts anew with an extension", async () => {
    const { create, say, pass, follower } = await setUp();
    await create("a", 3);
    await create("b", 3);
    const { seconds } = await follower("a", "b");
    await say("rfq.distributed", "a", { lpCount: 1 });
    await say("rfq.cancelled", "a", { reason: "x" });
    await pass(5000);
    expect(seconds()).toEqual([3]);
  });

  it("runs for what is followed only, and leaves nothing armed", async () => {
    const { rig, create, say, pass, follower } = await setUp();
    const idle = rig.engine.wheel.size;
    for (const id of ["a", "b", "c"]) {
      await create(id, 60);
      await say("rfq.quoted", id);
    }
    expect(rig.engine.ticker.size).toBe(0);
    const { session, seconds } = await follower("a", "b");
    const other = await follower("a");
    expect(rig.engine.ticker.size).toBe(2);
    await pass(2005);
    expect(seconds().length).toBe(4);
    session.lost();
    expect(rig.engine.ticker.size).toBe(1);
    other.session.lost();
    expect([rig.engine.ticker.size, rig.engine.wheel.size]).toEqual([0, idle]);
  });

  it("after a stall tells what is due now, not what was missed", async () => {
    const { rig, create, say, pass, follower } = await setUp();
    await create("a", 60);
    const { seconds } = await follower("a");
    await say("rfq.quoted", "a");
    const before = seconds().length;
    rig.clock.stall(30_500);
    await pass(0);
    expect(seconds().slice(before)).toEqual([30]);
  });
});
