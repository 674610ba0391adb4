import { describe, expect, it } from "vitest";
import { Nodes } from "../../testing/nodes.ts";
import { identityOf } from "../../testing/rig.ts";
import { DurableClients } from "./durable.ts";

const RULES = { window: 10, redeliverMs: 1e9, sends: 1 };

async function setUp(count: number) {
  const nodes = await Nodes.start(count);
  const durable = nodes.rigs.map(({ engine }) => new DurableClients(engine, nodes.registry, RULES, (error) => nodes.faults.push(error)));
  const open = (at: number) => {
    const opened = nodes.rig(at).open(identityOf("ann", ["feed:a"]));
    Object.assign(opened.session.peer, { clientId: "tab" });
    durable[at]?.opened(opened.session);
    return opened;
  };
  const publish = async (values: readonly number[]) => {
    for (const value of values) await nodes.rig(0).publish([["feed", "a", value]]);
    await nodes.refresh();
  };
  const acknowledge = (at: number, { session }: ReturnType<typeof open>, offset: number) =>
    durable[at]?.acknowledge(session, nodes.rig(at).engine.cursorAt(offset));
  const find = (at: number, { session }: ReturnType<typeof open>, ms?: number) =>
    nodes.wait(Promise.resolve(durable[at]?.find(session)), ms);
  return { nodes, open, publish, acknowledge, find };
}

describe("a native client that names itself", () => {
  it("takes over from its connection at another node, and goes on after what it acknowledged there", async () => {
    const { nodes, open, publish, acknowledge, find } = await setUp(3);
    const first = open(0);
    await publish([1, 2, 3]);
    acknowledge(0, first, 2);
    const second = open(1);
    expect(await find(1, second)).toBe(nodes.rig(1).engine.cursorAt(2));
    expect(first.client.closedWith).toBe("REPLACED");
    acknowledge(1, second, 3);
    const third = open(0);
    expect(await find(0, third)).toBe(nodes.rig(0).engine.cursorAt(3));
    expect([second.client.closedWith, third.session.isClosed, nodes.faults]).toEqual(["REPLACED", false, []]);
  });

  it("has one connection in the end, though it comes to all nodes at the same time", async () => {
    const { nodes, open } = await setUp(3);
    const all = [0, 1, 2].map((at) => open(at));
    await nodes.settle();
    expect(all.filter(({ session }) => !session.isClosed)).toHaveLength(1);
  });

  it("is not kept waiting by a node that sleeps, which closes its connection when it is awake", async () => {
    const { nodes, open, publish, acknowledge, find } = await setUp(2);
    const first = open(0);
    await publish([1, 2]);
    acknowledge(0, first, 1);
    nodes.setConnected(0, false);
    const second = open(1);
    // What it had acknowledged is not written yet where it sleeps, or it is.
    await find(1, second, 2000);
    expect([first.session.isClosed, second.session.isClosed]).toEqual([false, false]);
    nodes.setConnected(0, true);
    await nodes.settle();
    expect([first.client.closedWith, second.session.isClosed]).toEqual(["REPLACED", false]);
  });
});
