import { describe, expect, it } from "vitest";
import { connected } from "../testing/connected.ts";
import { idOf, settled, tokenUntil } from "../testing/fake-environment.ts";

describe("what is followed in one turn", () => {
  it("is asked for in one command, and what was left again is not asked for", async () => {
    const { follow, said } = await connected();
    follow("a");
    follow("b");
    follow("a");
    follow("c").unfollow();
    await settled();
    expect(said()).toEqual([{ type: "subscribe", id: 1, topics: ["a", "b"] }]);
  });

  it("is asked for apart where it wants something else", async () => {
    const { tape, follow, said } = await connected();
    follow("a", 5);
    follow("b");
    tape.follow<string>("c", {}, { filters: { side: "buy" } });
    tape.follow<string>("d", {}, { after: idOf(7) });
    await settled();
    expect(said()).toEqual([
      { type: "subscribe", id: 1, topics: ["a"], maxUpdatesPerSecond: 5 },
      { type: "subscribe", id: 2, topics: ["b"] },
      { type: "subscribe", id: 3, topics: ["c"], filters: { side: "buy" } },
      { type: "subscribe", id: 4, topics: ["d"], after: idOf(7) },
    ]);
  });

  it("is cut into commands that the server takes, each topic once", async () => {
    const { environment, follow } = await connected();
    const short = Array.from({ length: 2500 }, (_, index) => `s${index}`);
    const long = Array.from({ length: 100 }, (_, index) => `${index}`.padStart(500, "l"));
    for (const topic of [...short, ...long]) follow(topic);
    await settled();
    const commands = environment.link.said("subscribe");
    expect(commands.flatMap(({ topics }) => topics)).toEqual([...short, ...long]);
    for (const command of commands) {
      expect(command.topics.length).toBeLessThanOrEqual(1000);
      expect(JSON.stringify(command).length).toBeLessThan(20_000);
    }
    expect(commands.length).toBeLessThan(10);
  });

  it("is said no faster than the server takes commands", async () => {
    const { environment, follow } = await connected({ commandsBurst: 2, commandsPerSecond: 1 });
    for (let rate = 1; rate <= 5; rate++) follow(`t${rate}`, rate);
    const counts: number[] = [];
    for (let second = 0; second < 5; second++) {
      await environment.pass(second === 0 ? 0 : 1000);
      counts.push(environment.link.said("subscribe").length);
    }
    expect(counts).toEqual([2, 3, 4, 5, 5]);
    expect(new Set(environment.link.said("subscribe").flatMap(({ topics }) => topics)).size).toBe(5);
  });
});

describe("a topic that is left", () => {
  it("is unsubscribed from once, with the last who followed it, answered or not", async () => {
    const { environment, follow, said } = await connected();
    const [first, second] = [follow("a"), follow("a")];
    await settled();
    first.unfollow();
    await settled();
    expect(said()).toHaveLength(1);
    second.unfollow();
    second.unfollow();
    await settled();
    expect(said().slice(1)).toEqual([{ type: "unsubscribe", topics: ["a"] }]);
    environment.link.accept({ a: { value: 1 } }, idOf(1));
    expect(await second.ready).toMatchObject({ code: "UNFOLLOWED" });
  });

  it("and followed again in the same turn was never left", async () => {
    const { environment, follow, said } = await connected();
    const { unfollow } = follow("a");
    await settled();
    environment.link.accept();
    unfollow();
    follow("a");
    await settled();
    expect(said().filter(({ type }) => type === "unsubscribe")).toEqual([]);
  });

  it("goes on where the server knows it by another name", async () => {
    const { environment, follow, said } = await connected({}, tokenUntil(9e12, { sub: "u1" }));
    const { unfollow } = follow("orders:me");
    follow("orders:u1");
    await settled();
    environment.link.accept();
    unfollow();
    await settled();
    expect(said().filter(({ type }) => type === "unsubscribe")).toEqual([]);
  });
});

describe("the rate of a topic", () => {
  it("is the highest that anybody asks for, and none where one wants all", async () => {
    const { environment, follow, said } = await connected();
    follow("symbol:a", 2);
    const fast = follow("symbol:a", 10);
    await settled();
    environment.link.accept({ "symbol:a": { value: 1 } });
    const all = follow("symbol:a");
    await settled();
    all.unfollow();
    await settled();
    fast.update({ maxUpdatesPerSecond: 3 });
    await settled();
    fast.unfollow();
    await settled();
    const update = (maxUpdatesPerSecond: number | null) => ({ type: "update", topics: ["symbol:a"], maxUpdatesPerSecond });
    expect(said()).toEqual([
      { type: "subscribe", id: 1, topics: ["symbol:a"], maxUpdatesPerSecond: 10 },
      update(null),
      update(10),
      update(3),
      update(2),
    ]);
  });

  it("is more than nothing", async () => {
    const { tape, follow, said } = await connected();
    for (const rate of [0, -1, NaN]) expect(() => follow("a", rate)).toThrow(RangeError);
    tape.follow<string>("a", {}, { filters: { side: "buy" } });
    await settled();
    expect(said()).toEqual([{ type: "subscribe", id: 1, topics: ["a"], filters: { side: "buy" } }]);
  });
});

describe("after a cut", () => {
  it("everything is asked for from where it stands, and is live when all of it was answered", async () => {
    const { environment, tape, follow, welcome } = await connected();
    follow("a");
    follow("b", 4);
    await settled();
    for (const { id, topics } of environment.link.said("subscribe")) {
      const snapshots = topics.map((topic) => ({ topic, state: null }));
      const results = topics.map((topic) => ({ topic, ok: true as const }));
      environment.link.say({ type: "subscribed", ...(id !== undefined && { id }), results, cut: idOf(3), snapshots });
    }
    environment.link.say({ type: "ping", serverTime: 0, lastEventId: idOf(9) });
    environment.link.end();
    await environment.pass(1000);
    await welcome();
    expect(environment.link.sent).toEqual([
      { type: "subscribe", id: 3, topics: ["a"], after: idOf(9), snapshot: false },
      { type: "subscribe", id: 4, topics: ["b"], after: idOf(9), snapshot: false, maxUpdatesPerSecond: 4 },
    ]);
    environment.link.say({ type: "subscribed", id: 3, results: [{ topic: "a", ok: true }], cut: idOf(9), snapshots: [] });
    expect(tape.status.get().state).toBe("resuming");
    environment.link.say({ type: "subscribed", id: 4, results: [{ topic: "b", ok: true }], cut: idOf(9), snapshots: [] });
    expect(tape.status.get().state).toBe("live");
  });
});

describe("acknowledgements", () => {
  it("of one turn are one, the newest, and wait for a connection", async () => {
    const { environment, tape, welcome } = await connected();
    tape.ack(idOf(1));
    tape.ack(idOf(2));
    await settled();
    expect(environment.link.said("ack")).toEqual([{ type: "ack", upTo: idOf(2) }]);
    environment.link.end();
    tape.ack(idOf(3));
    await environment.pass(1000);
    await welcome();
    tape.follow<string>("a", {});
    await settled();
    expect(environment.link.said("ack")).toEqual([{ type: "ack", upTo: idOf(3) }]);
  });
});
