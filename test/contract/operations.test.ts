/** What operators are told over HTTP (contract 00-common: `stream:admin`), against the running server: rights, tenants, every answer. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import * as operations from "@broadtape/protocol/operations";
import { connectionList } from "@broadtape/protocol/rest";
import { nativeClients } from "./native-client.ts";
import { type TestServer, bestPrice, publish, publisherToken, startTestServer, token, until } from "./server.ts";
import { type Claims, feedClients, payment } from "./transactions/feed-client.ts";
import { onOneNode } from "./one-node.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: {
      BROADTAPE_LIMIT_CONNECTIONS_PER_USER: "3",
      BROADTAPE_LIMIT_NATIVE_COMMANDS_BURST: "2",
      BROADTAPE_LIMIT_NATIVE_COMMANDS_PER_SECOND: "1",
      BROADTAPE_LIMIT_NATIVE_TOPICS: "1",
    },
  });
});
afterAll(() => server.remove());
const feeds = feedClients(() => server);
const natives = nativeClients(() => server);
afterEach(() => {
  feeds.end();
  natives.end();
});

const ROOT = "operations";
const PATHS = [
  "",
  "/history",
  "/latency",
  "/topics",
  "/refusals",
  "/limits",
  "/views",
  "/outbox",
  "/tail",
  "/events?correlationId=c",
  "/events/EV-0000000000000001",
];
const operator = (tenantId = "tenant"): Claims => ({ sub: "op", tenantId, permissions: ["stream:admin"] });

async function ask(path: string, claims: Claims | undefined = operator()) {
  const headers = claims === undefined ? undefined : { authorization: `Bearer ${await token(claims)}` };
  const response = await fetch(`${server.url}/api/v1/${path}`, headers && { headers });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function read<T extends z.ZodType>(schema: T, path: string, claims: Claims = operator()): Promise<z.infer<T>> {
  const { status, text } = await ask(path, claims);
  expect({ path, status, text }).toMatchObject({ status: 200 });
  return schema.parse(JSON.parse(text));
}

/** Publishes one event with a correlation id; returns its id. */
async function tell(event: string, correlationId: string, { tenant = "tenant", url = server.url } = {}): Promise<string> {
  const { body, text } = await publish(url, event, {
    bearer: await publisherToken(tenant),
    headers: { "x-correlation-id": correlationId },
  });
  return body.results[0]?.eventId ?? text;
}

describe("operations", () => {
  it("are for whoever has stream:admin, and the catalogue for whoever is signed in", async () => {
    for (const path of PATHS) {
      expect([path, (await fetch(`${server.url}/api/v1/${ROOT}${path}`)).status]).toEqual([path, 401]);
      expect([path, (await ask(`${ROOT}${path}`, { sub: "ann", permissions: ["events:publish:any"] })).status]).toEqual([path, 403]);
    }
    expect((await fetch(`${server.url}/api/v1/catalogue`)).status).toBe(401);
    expect((await ask("catalogue", { sub: "ann" })).status).toBe(200);
  });

  it("refuse what is asked wrongly, and name it", async () => {
    for (const path of [
      "/history?after=x",
      "/latency?windowMs=0",
      "/topics?limit=0",
      "/tail?limit=1001",
      "/tail?waitMs=60000",
      "/events",
    ]) {
      const { status, text } = await ask(`${ROOT}${path}`);
      expect([path, status]).toEqual([path, 400]);
      expect(text).toMatch(/after|windowMs|limit|waitMs|correlationId/);
    }
    expect((await ask(`${ROOT}/events/nonsense`)).status).toBe(404);
  });

  it("tell how the node stands: its log, its process, its connections by surface, own and all", async () => {
    await feeds.plain({ sub: "stander" });
    await feeds.plain({ sub: "stander", tenantId: "neighbours" });
    await tell(bestPrice("STAND", "1", "2"), "standing");
    const summary = await until(async () => {
      const now = await read(operations.operationsSummary, ROOT);
      return now.log.lagEvents === 0 ? now : undefined;
    });
    expect(summary).toMatchObject({ node: { isReady: true }, connections: { all: 2, ofTenant: 1, users: 2 } });
    expect(summary.connections.bySurface).toEqual([{ surface: "transactions", all: 2, ofTenant: 1 }]);
    expect(summary.log.headOffset).toBe(summary.log.routedTo);
    expect(summary.counters.published).toBeGreaterThan(0);
    expect(summary.nodes.map(({ status }) => status)).toEqual(server.nodeUrls.map(() => "ready"));
    expect(summary.nodes.reduce((sum, { figures }) => sum + (figures?.connections ?? 0), 0)).toBe(2);
    const alone = { figures: { wire: "none", clockOffsetMs: null } };
    if (server.nodeUrls.length === 1) expect(summary.nodes).toMatchObject([alone]);
    const { log } = summary;
    expect(await read(operations.viewsComparison, `${ROOT}/views`)).toMatchObject({ agree: true, offset: log.headOffset });
    expect(summary.process.heapUsedBytes).toBeGreaterThan(1_000_000);
    expect(JSON.stringify(summary)).not.toContain("neighbours");
  });

  it("keep the last hour in samples, and measure from publishing to the write", async () => {
    const client = await natives.welcomed({ sub: "watcher" });
    client.say({ type: "subscribe", topics: ["symbol:HOUR"] });
    await client.first("subscribed");
    // A node measures what it took itself.
    for (const url of server.nodeUrls) await tell(bestPrice("HOUR", "1", "2"), "hour", { url });
    const { samples, sampleMs } = await until(async () => {
      const history = await read(operations.operationsHistory, `${ROOT}/history`);
      return history.samples.some(({ p99Ms }) => p99Ms !== null) ? history : undefined;
    });
    expect(sampleMs).toBe(5000);
    expect(samples.some(({ delivered, bytes }) => delivered > 0 && bytes > 0)).toBe(true);
    const last = samples.at(-1)?.at ?? "";
    expect((await read(operations.operationsHistory, `${ROOT}/history?after=${last}`)).samples.length).toBeLessThan(samples.length);
    const latency = await read(operations.latencyHistogram, `${ROOT}/latency?windowMs=3600000`);
    expect(latency.count).toBeGreaterThan(0);
    expect(latency.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(latency.count);
    const { topics } = await read(operations.topicRates, `${ROOT}/topics`);
    expect(topics).toMatchObject([{ topic: "symbol:HOUR", followers: 1, told: server.nodeUrls.length }]);
    expect((await read(operations.topicRates, `${ROOT}/topics`, operator("neighbours"))).topics).toEqual([]);
  });
});

describe("connections", () => {
  it("show an operator what waits for them, and their user what always was shown", async () => {
    const client = await feeds.plain({ sub: "loaded" });
    await client.subscribe();
    const id = await tell(payment("loaded", "p1"), "load");
    await client.first("transaction");
    const of = async (claims: Claims) =>
      (await read(connectionList, "connections", claims)).connections.filter((each) => each.userId === "loaded");
    expect(await of(operator())).toMatchObject([{ unacked: 1, queuedBytes: 0, paused: false, heldValues: 0, conflated: 0, topics: 2 }]);
    expect(Object.keys((await of({ sub: "loaded" }))[0] ?? {})).not.toContain("queuedBytes");
    client.say({ type: "ack", eventId: id });
    await until(async () => (await of(operator()))[0]?.unacked === 0);
  });

  it("are listed a page at a time, each once", async () => {
    for (const sub of ["p1", "p2", "p3", "p4", "p5"]) await feeds.plain({ sub, tenantId: "pages" });
    const found: string[] = [];
    let after = "";
    for (let pages = 0; pages < 3; pages++) {
      const page = await read(connectionList, `connections?limit=2${after}`, operator("pages"));
      found.push(...page.connections.map(({ userId }) => userId));
      after = `&after=${page.next ?? "none"}`;
      expect(page.next === null).toBe(pages === 2);
    }
    expect(found).toEqual(["p1", "p2", "p3", "p4", "p5"]);
    for (const bad of ["limit=0", "limit=1001", "after=x"]) expect((await ask(`connections?${bad}`)).status).toBe(400);
  });
});

describe("an event's way", () => {
  it("is told by its id, in either spelling: stored, delivered to whom, acknowledged when", async () => {
    const client = await feeds.plain({ sub: "ann" }, "?clientId=phone");
    await client.subscribe();
    const eventId = await tell(payment("ann", "way", { amount: "5000.10" }), "way-of-one");
    await client.first("transaction");
    const before = await read(operations.eventWay, `${ROOT}/events/${eventId}`);
    expect(before.event).toMatchObject({ type: "transaction.completed", topics: ["transactions:ann"], correlationId: "way-of-one" });
    const delivered = { userId: "ann", clientId: "phone", surface: "transactions", delivery: "lossless", attempt: 1 };
    expect(before).toMatchObject({ deliveries: [{ ...delivered, ackedAt: null }], deliveriesTotal: 1, ledger: { complete: true } });
    expect((await ask(`${ROOT}/events/${eventId}`)).text).toContain('"amount":5000.10');
    client.say({ type: "ack", eventId });
    const after = await until(async () => {
      const way = await read(operations.eventWay, `${ROOT}/events/${before.event.eventId}`);
      return way.deliveries[0]?.ackedAt == null ? undefined : way;
    });
    const [delivery] = after.deliveries;
    const writtenAt = delivery?.writtenAt ?? "";
    expect(writtenAt >= after.event.storedAt).toBe(true);
    expect((delivery?.ackedAt ?? "") >= writtenAt).toBe(true);
    expect((await ask(`${ROOT}/events/${eventId}`, operator("neighbours"))).status).toBe(404);
  });

  it("is told by its correlation id, over all events of the tenant that have it", async () => {
    for (const [tenant, id] of [
      ["tenant", "a"],
      ["tenant", "b"],
      ["neighbours", "c"],
    ] as const)
      await tell(payment("eve", id), "one-request", { tenant });
    const found = await read(operations.eventWays, `${ROOT}/events?correlationId=one-request`);
    expect(found.ways.map(({ event }) => (event.data as { transaction: { id: string } }).transaction.id)).toEqual(["a", "b"]);
    expect(found.searched.complete).toBe(true);
    const other = await read(operations.eventWays, `${ROOT}/events?correlationId=one-request`, operator("neighbours"));
    expect(other.ways).toHaveLength(1);
  });
});

describe("the log's tail", () => {
  it("is followed from its end, with filters, a tenant's own alone; what looks like a secret is hidden", async () => {
    const { next } = await read(operations.logTail, `${ROOT}/tail?limit=1`);
    const waiting = read(operations.logTail, `${ROOT}/tail?after=${next}&waitMs=20000&type=transaction.*&user=tail`);
    await tell(payment("tail", "elsewhere"), "t", { tenant: "neighbours" });
    await tell(payment("somebody", "else"), "t");
    await tell(payment("tail", "mine", { meta: '{"cardNumber":"4111","note":"n"}' }), "t");
    const { events } = await waiting;
    expect(events).toMatchObject([{ topics: ["transactions:tail"], data: { transaction: { id: "mine" } } }]);
    expect(JSON.stringify(events)).not.toContain("4111");
    const all = await read(operations.logTail, `${ROOT}/tail?after=${next}&correlationId=t`);
    expect(all.events).toHaveLength(2);
    expect(all.complete).toBe(true);
    expect((await read(operations.logTail, `${ROOT}/tail?topic=transactions:tail`)).events).toHaveLength(1);
    expect((await read(operations.logTail, `${ROOT}/tail?after=nonsense&limit=1`)).resync).toEqual({ reason: "unknown" });
  });
});

describe("what went wrong", () => {
  it("is told of refused publishing with its reason, whichever door refused it, to its tenant alone", async () => {
    const bearer = await publisherToken("refused");
    const post = (body: unknown, headers: Record<string, string> = {}) =>
      publish(server.url, body, { bearer, headers: { "x-correlation-id": "bad", ...headers } });
    await post([JSON.parse(payment("ann", "fine")) as object, { type: "no.such", data: {} }]);
    await post("{");
    await post(" ".repeat(1_100_000));
    await publish(server.url, payment("ann", "x"), { bearer: await token({ sub: "reader", tenantId: "refused" }) });
    await publish(server.url, JSON.stringify({ ...(JSON.parse(payment("ann", "x")) as object), tenantid: "neighbours" }), {
      bearer: await token({ sub: "narrow", tenantId: "refused", permissions: ["events:publish"] }),
    });
    const { refusals } = await read(operations.publishRefusals, `${ROOT}/refusals`, operator("refused"));
    expect(refusals.map(({ userId, statusCode, events, type }) => [userId, statusCode, events, type])).toEqual([
      ["narrow", 403, 1, "transaction.completed"],
      ["reader", 403, null, null],
      ["publisher", 413, null, null],
      ["publisher", 400, null, null],
      ["publisher", 422, 2, "no.such"],
    ]);
    expect(refusals.at(-1)).toMatchObject({
      correlationId: "bad",
      faults: [{ index: 1, path: "type" }],
      reason: expect.stringContaining("event 1"),
    });
    expect((await read(operations.publishRefusals, `${ROOT}/refusals?limit=2`, operator("refused"))).refusals).toHaveLength(2);
    expect((await ask(`${ROOT}/refusals`, operator("neighbours"))).text).toBe('{"refusals":[]}');
  });

  it("is told of limits: rates, topics, connections of a user", async () => {
    const claims = { sub: "greedy", tenantId: "limits" };
    const client = await natives.welcomed(claims);
    client.say({ type: "subscribe", topics: ["symbol:A", "symbol:B"] });
    for (let command = 0; command < 4; command++) client.say({ type: "unsubscribe", topics: [] });
    await client.first("error", 1);
    await natives.welcomed(claims);
    await natives.welcomed(claims);
    natives.open({ bearer: await token(claims) });
    const { limits, slow } = await until(async () => {
      const hits = await read(operations.limitHits, `${ROOT}/limits`, operator("limits"));
      return hits.limits.length >= 3 ? hits : undefined;
    });
    const found = limits.map(({ code, userId, surface }) => [code, userId, surface]);
    expect(found).toContainEqual(["LIMIT_REACHED", "greedy", null]);
    expect(found).toContainEqual(["LIMIT_REACHED", "greedy", "native"]);
    expect(limits.find(({ code }) => code === "RATE_LIMITED")).toMatchObject({
      userId: "greedy",
      surface: "native",
      count: expect.any(Number),
    });
    expect(slow).toEqual([]);
    expect((await ask(`${ROOT}/limits`, operator("neighbours"))).text).toBe('{"limits":[],"slow":[]}');
  });

  onOneNode("the registry is a file of the data directory")(
    "of the registry is answered with 503 and when to come back, until it is well again",
    async () => {
      const registry = new Database(join(server.directory, "registry.db"));
      try {
        registry.exec("alter table notices rename to notices_away");
        const away = await ask("notices");
        expect([away.status, away.headers.get("retry-after"), JSON.parse(away.text)]).toMatchObject([503, "1", { statusCode: 503 }]);
        expect(away.text).not.toContain("notices_away");
        registry.exec("alter table notices_away rename to notices");
        expect((await ask("notices")).status).toBe(200);
      } finally {
        registry.close();
      }
    },
  );
});

describe("the catalogue", () => {
  it("holds every type with the schema of its data, and every kind of topic with who may follow it", async () => {
    const { types, topics } = await read(operations.catalogueList, "catalogue", { sub: "ann", permissions: ["market-data:firehose"] });
    const price = types.find(({ type }) => type === "market-data.best-price");
    expect(price).toMatchObject({
      product: "market-data",
      isInternal: false,
      schema: { type: "object", required: expect.arrayContaining(["symbol"]) },
    });
    expect(types.find(({ type }) => type === "market-data.quote-stale")).toMatchObject({ isInternal: true });
    for (const { kind, who, description, name } of topics) {
      expect([kind, who, description]).toEqual([kind, expect.any(String), expect.any(String)]);
      expect(name.startsWith(kind)).toBe(true);
    }
    expect(topics.find(({ kind }) => kind === "symbol")).toMatchObject({ mayFollowPatterns: true, lossless: false });
    const plain = await read(operations.catalogueList, "catalogue", { sub: "ann" });
    expect(plain.topics.find(({ kind }) => kind === "symbol")).toMatchObject({ mayFollowPatterns: false });
  });
});

it("figures of connections that the registry did not take stand in /metrics", async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain("\nbroadtape_connection_rows_lost_total 0\n");
  expect(metrics).toContain("\nbroadtape_connection_rows_waiting ");
});

it("a reader that waits at the log's end is answered when the server ends, and holds up nothing", async () => {
  const { next } = await read(operations.logTail, `${ROOT}/tail?limit=1`);
  const waiting = ask(`${ROOT}/tail?after=${next}&waitMs=25000`);
  // Answered, one after the other, after the one that waits was read on a connection of its own.
  for (let asked = 0; asked < 20; asked++) await ask(`${ROOT}/history`);
  const beganAt = Date.now();
  expect(await server.kill("SIGTERM")).toBe(0);
  expect([200, 503]).toContain((await waiting).status);
  expect(Date.now() - beganAt).toBeLessThan(10_000);
});
