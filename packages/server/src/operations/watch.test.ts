import { Refusal } from "@broadtape/protocol/errors";
import { describe, expect, it } from "vitest";
import { Rig, identityOf } from "../../testing/rig.ts";
import { newMeter } from "../engine/meter.ts";
import { OperationsDesk } from "./desk.ts";
import { Watch } from "./watch.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import type { EngineLimits } from "../engine/engine-options.ts";

async function setUp(limits: Partial<EngineLimits> = {}) {
  const clock = new FakeClock();
  const watch = new Watch({ clock, host: { eventLoop: () => 0, rssBytes: () => 1 }, statusOf: () => 422 });
  const rig = await Rig.start({ clock, limits, meter: newMeter(() => undefined, watch) });
  watch.observe(rig.engine);
  const desk = new OperationsDesk(rig.engine, watch, {
    version: "1",
    retention: { maxAgeMs: 1, maxBytes: Infinity },
    memory: () => ({ rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 1 }),
  });
  const refuse = (event: unknown, tenant = "acme") =>
    rig.engine.publish([event], { userId: "pub", tenant, anyTenant: false, correlationId: "c-1" }).catch(() => undefined);
  return { clock, watch, rig, desk, refuse };
}

const signal = () => new AbortController().signal;

describe("refused publishing", () => {
  it("is listed with its reason, for the tenant that published alone", async () => {
    const { desk, refuse } = await setUp();
    await refuse({ type: "test.feed", data: { name: "a" } });
    expect((await desk.refusals("acme", 10)).refusals).toMatchObject([
      {
        userId: "pub",
        correlationId: "c-1",
        statusCode: 422,
        events: 1,
        type: "test.feed",
        faults: [{ index: 0, path: "data.value" }],
        more: 0,
      },
    ]);
    expect((await desk.refusals("other", 10)).refusals).toEqual([]);
  });

  it("is forgotten beyond the newest 200 of a tenant, and never keeps what was published", async () => {
    const { desk, refuse } = await setUp();
    for (let index = 0; index < 250; index++) await refuse({ type: `no.${index}` });
    await refuse({ type: "x".repeat(100_000), data: {} });
    const { refusals } = await desk.refusals("acme", 1000);
    expect(refusals).toHaveLength(200);
    expect(JSON.stringify(refusals[0]).length).toBeLessThan(3000);
    expect(refusals[1]?.type).toBe("no.249");
  });

  it("is listed once, however often its error is handed on", async () => {
    const { watch, desk } = await setUp();
    const refused = { tenant: "acme", userId: "u", correlationId: "c", events: undefined, error: new Refusal("FORBIDDEN", "no") };
    watch.refused(refused);
    watch.refused(refused);
    expect((await desk.refusals("acme", 10)).refusals).toHaveLength(1);
  });

  it("of a hundred tenants more makes the idlest forget", async () => {
    const { desk, refuse } = await setUp();
    for (let index = 0; index < 101; index++) await refuse({}, `tenant-${index}`);
    expect((await desk.refusals("tenant-0", 1)).refusals).toEqual([]);
    expect((await desk.refusals("tenant-1", 1)).refusals).toHaveLength(1);
  });
});

describe("limits", () => {
  it("tell who hit them, what repeats in one entry", async () => {
    const { clock, rig, desk } = await setUp({ connectionsPerUser: 1 });
    const { session } = rig.open(identityOf("ann"));
    for (let attempt = 0; attempt < 3; attempt++) {
      clock.advance(1000);
      expect(() => rig.open(identityOf("ann"))).toThrow("too many connections");
    }
    session.noteLimit(new Refusal("RATE_LIMITED", "too many commands"));
    session.noteLimit(new Refusal("FORBIDDEN", "is no limit"));
    const { limits } = await desk.limits("acme", 10);
    expect(limits).toMatchObject([
      { code: "RATE_LIMITED", userId: "ann", connectionId: session.id, surface: "test", count: 1 },
      { code: "LIMIT_REACHED", userId: "ann", connectionId: null, count: 3 },
    ]);
    expect(Date.parse(limits[1]?.lastAt ?? "") - Date.parse(limits[1]?.at ?? "")).toBe(2000);
    expect(await desk.limits("other", 10)).toEqual({ limits: [], slow: [] });
  });

  it("list connections that do not keep up, and that they were paused and dropped", async () => {
    const { clock, rig, desk } = await setUp({ unsentBytes: 3000, behindBytes: 500 });
    const { session, client } = rig.open(identityOf("ann", ["feed:a"]));
    await rig.follow(session, { topics: ["feed:a"] });
    client.stick();
    for (let value = 0; value < 40; value++) await rig.publish([["feed", "a", value]]);
    clock.advance(2000);
    expect((await desk.limits("acme", 10)).slow).toMatchObject([{ connectionId: session.id, paused: true, awaitsAcksMs: null }]);
    expect((await desk.limits("acme", 10)).slow[0]?.stuckMs).toBeGreaterThanOrEqual(2000);
    clock.advance(31_000);
    expect((await desk.limits("acme", 10)).slow).toEqual([]);
    expect((await desk.limits("acme", 10)).limits.map(({ code }) => code)).toEqual(["SLOW_CONSUMER", "PAUSED"]);
  });

  it("are forgotten beyond 200 of a tenant", async () => {
    const { watch, desk } = await setUp();
    for (let index = 0; index < 300; index++) watch.limited({ tenant: "acme", userId: `u${index}` }, "LIMIT_REACHED", "m");
    expect((await desk.limits("acme", 1000)).limits).toHaveLength(200);
  });
});

describe("rates of topics", () => {
  it("are measured from one question to the next, the busiest first", async () => {
    const { clock, rig, desk } = await setUp();
    const { session } = rig.open(identityOf("ann", ["feed:a", "feed:b"]));
    await rig.follow(session, { topics: ["feed:a", "feed:b"] });
    expect(await desk.topics("acme", 10)).toMatchObject({ measuredMs: 0, followed: 2, topics: [{ perSecond: null }, { perSecond: null }] });
    for (let value = 0; value < 20; value++) await rig.publish([["feed", "b", value]]);
    await rig.publish([["feed", "a", 1]]);
    clock.advance(2000);
    expect(await desk.topics("acme", 10)).toMatchObject({
      measuredMs: 2000,
      topics: [
        { topic: "feed:b", followers: 1, told: 20, perSecond: 10 },
        { topic: "feed:a", followers: 1, told: 1, perSecond: 0.5 },
      ],
    });
    expect((await desk.topics("acme", 1)).topics).toHaveLength(1);
    expect(await desk.topics("other", 10)).toMatchObject({ followed: 0, topics: [] });
    clock.advance(100_000);
    expect(await desk.topics("acme", 1)).toMatchObject({ measuredMs: 0, topics: [{ perSecond: null }] });
  });
});

describe("the log's tail", () => {
  const query = { limit: 10, waitMs: 0 };
  const values = (tail: { events: readonly { data: unknown }[] }) => tail.events.map(({ data }) => (data as { value: number }).value);

  it("begins with the newest events, and goes on where the page before ended", async () => {
    const { rig, desk } = await setUp();
    for (let value = 1; value <= 15; value++) await rig.publish([["feed", "a", value]]);
    const first = await desk.tail("acme", query, signal());
    expect(values(first)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    for (let value = 16; value <= 30; value++) await rig.publish([["feed", "a", value]]);
    const second = await desk.tail("acme", { ...query, after: first.next }, signal());
    expect([values(second)[0], second.complete]).toEqual([16, false]);
    const third = await desk.tail("acme", { ...query, after: second.next }, signal());
    expect([values(third), third.complete]).toEqual([[26, 27, 28, 29, 30], true]);
  });

  it("filters by type, topic, user and correlation id", async () => {
    const { rig, desk } = await setUp();
    await rig.publish([
      ["feed", "ann", 1],
      ["gauge", "x", 2],
    ]);
    await rig.publish([["feed", "ann", 9]], "other");
    const found = async (filter: object) => values(await desk.tail("acme", { ...query, ...filter }, signal()));
    expect(await found({})).toEqual([1, 2]);
    expect(await found({ type: "test.gauge" })).toEqual([2]);
    expect(await found({ type: "test.*" })).toEqual([1, 2]);
    expect(await found({ type: "test" })).toEqual([]);
    expect(await found({ topic: "feed:ann" })).toEqual([1]);
    expect(await found({ user: "ann" })).toEqual([1]);
    expect(await found({ user: "pub" })).toEqual([1, 2]);
    expect(await found({ correlationId: "c" })).toEqual([1, 2]);
    expect(await found({ correlationId: "other" })).toEqual([]);
  });

  it("waits for the next event of the tenant that is asked for", async () => {
    const { rig, desk } = await setUp();
    const { next } = await desk.tail("acme", query, signal());
    let answer: Awaited<ReturnType<typeof desk.tail>> | undefined;
    const waiting = desk
      .tail("acme", { ...query, after: next, waitMs: 20_000, type: "test.feed" }, signal())
      .then((page) => (answer = page));
    await rig.settle();
    await rig.publish([["gauge", "x", 1]]);
    await rig.publish([["feed", "a", 2]], "other");
    await rig.settle();
    expect(answer).toBeUndefined();
    await rig.publish([["feed", "a", 3]]);
    expect(values(await waiting)).toEqual([3]);
  });

  it("answers with nothing when nothing came in time, the reader went, or the server ends", async () => {
    const { clock, rig, desk } = await setUp();
    await rig.publish([["feed", "a", 1]]);
    const { next } = await desk.tail("acme", query, signal());
    const gone = new AbortController();
    const ask = (end: AbortSignal) => desk.tail("acme", { ...query, after: next, waitMs: 5000 }, end);
    const late = ask(signal());
    const left = ask(gone.signal);
    await rig.settle();
    gone.abort();
    expect(await left).toMatchObject({ events: [], next, complete: true });
    clock.advance(5000);
    expect(await late).toMatchObject({ events: [], next, complete: true });
    const ended = ask(signal());
    await rig.settle();
    desk.close();
    expect(await ended).toMatchObject({ events: [] });
  });

  it("says so where a cursor is none of this log, and begins with the oldest", async () => {
    const { rig, desk } = await setUp();
    await rig.publish([["feed", "a", 1]]);
    expect(await desk.tail("acme", { ...query, after: "nonsense" }, signal())).toMatchObject({
      events: [{ type: "test.feed" }],
      resync: { reason: "unknown" },
    });
  });
});

describe("an event's way", () => {
  it("is told by its id: when it was stored, and to whom of the tenant it was delivered", async () => {
    const { rig, desk } = await setUp();
    const { session } = rig.open(identityOf("ann", ["feed:a"]));
    const gauges = rig.open(identityOf("bob"));
    await rig.follow(session, { topics: ["feed:a"] });
    await rig.follow(gauges.session, { topics: ["gauge:a"] });
    await rig.publish([
      ["feed", "a", 1],
      ["gauge", "a", 2],
    ]);
    const [feed, gauge] = (await desk.tail("acme", { limit: 2, waitMs: 0 }, signal())).events;
    expect(await desk.way("acme", feed?.eventId ?? "")).toMatchObject({
      event: { offset: 1, topics: ["feed:a"], source: "pub" },
      deliveries: [{ connectionId: session.id, userId: "ann", surface: "test", delivery: "lossless", attempt: 1, ackedAt: null }],
      deliveriesTotal: 1,
      ledger: { complete: true },
    });
    expect(await desk.way("acme", gauge?.eventId ?? "")).toMatchObject({ deliveries: [{ userId: "bob", delivery: "conflated" }] });
    expect(await desk.way("other", feed?.eventId ?? "")).toBe("unknown");
    expect(await desk.way("acme", "EV-ffff000000000001")).toBe("unknown");
  });

  it("is told by its correlation id, over the events of a tenant that have it", async () => {
    const { rig, desk } = await setUp();
    for (let value = 1; value <= 3; value++) await rig.publish([["feed", "a", value]]);
    await rig.publish([["feed", "a", 4]], "other");
    const { ways, searched } = await desk.ways("acme", "c", undefined);
    expect(ways.map(({ event }) => event.offset)).toEqual([1, 2, 3]);
    expect(searched).toEqual({ fromOffset: 1, toOffset: 4, complete: true });
    expect((await desk.ways("acme", "c", 2)).ways).toHaveLength(2);
    expect((await desk.ways("acme", "none", undefined)).ways).toEqual([]);
  });

  it("says so where it is older than what is remembered of deliveries", async () => {
    const { clock, rig } = await setUp();
    await rig.publish([["feed", "a", 1]]);
    clock.advance(60_000);
    const late = new Watch({ clock, host: { eventLoop: () => 0, rssBytes: () => 1 }, statusOf: () => 500 });
    const desk = new OperationsDesk(rig.engine, late, {
      version: "1",
      retention: { maxAgeMs: 1, maxBytes: 1 },
      memory: () => ({ rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 1 }),
    });
    expect(await desk.ways("acme", "c", undefined)).toMatchObject({ ways: [{ deliveries: [] }], ledger: { complete: false } });
  });
});
