/** What operators are told of three nodes over one PostgreSQL, whichever of them they ask: real processes, one of which is killed. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { z } from "zod";
import * as operations from "@broadtape/protocol/operations";
import { connectionList } from "@broadtape/protocol/rest";
import { newDatabase } from "../postgres-database.ts";
import { query } from "../postgres.ts";
import { nativeClients } from "./native-client.ts";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";
import { orderCreated } from "./trading-order.ts";

const NAMES = ["north", "south", "west"];
const ROOT = "operations";

let database: string;
let nodes: TestServer[];
const clients = [0, 1, 2].map((at) => nativeClients(() => nodeAt(at)));

beforeAll(async () => {
  database = await newDatabase();
  const start = (name: string) => startTestServer({ env: { BROADTAPE_DATABASE_URL: database, BROADTAPE_NODE: name } });
  // The first makes the tables.
  nodes = [await start("north")];
  nodes.push(...(await Promise.all([start("south"), start("west")])));
  await until(async () => (await summary()).nodes.length === 3);
});
afterEach(() => {
  for (const each of clients) each.end();
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.remove()));
});

function nodeAt(at: number): TestServer {
  return nodes[at] ?? expect.fail(`there is no node ${at}`);
}

const operator = (tenantId = "tenant") => token({ sub: "olga", tenantId, permissions: ["stream:admin"] });

async function ask(at: number, path: string, init: RequestInit = {}, bearer?: string) {
  const headers = { authorization: `Bearer ${bearer ?? (await operator())}` };
  const response = await fetch(`${nodeAt(at).url}/api/v1/${path}`, { ...init, headers });
  return { status: response.status, text: await response.text() };
}

async function read<T extends z.ZodType>(schema: T, path: string, at = 0): Promise<z.infer<T>> {
  const { status, text } = await ask(at, path);
  expect({ path, status, text }).toMatchObject({ status: 200 });
  return schema.parse(JSON.parse(text));
}

const summary = (at = 0) => read(operations.operationsSummary, ROOT, at);

const order = (id: string) => ({ ...orderCreated(id), correlationid: `correlation-${id}` });

async function trade(at: number, id: string): Promise<string> {
  const { status, text, body } = await publish(nodeAt(at).url, order(id));
  expect(status, text).toBe(200);
  return body.results[0]?.eventId ?? text;
}

/** A client of ann's on this node, who has been told of what she follows. */
async function follow(at: number) {
  const client = await (clients[at] ?? expect.fail()).welcomed({ sub: "ann" });
  client.say({ type: "subscribe", id: 1, topics: ["orders:me"] });
  await client.first("subscribed");
  return client;
}

it("each node knows all of them, what they hold, and what they come to", async () => {
  for (const at of [0, 1, 2]) await follow(at);
  await trade(1, "figures");
  for (const at of [0, 1, 2]) {
    const {
      node,
      nodes: all,
      connections,
    } = await until(async () => {
      const found = await summary(at);
      return found.connections.all === 3 && found.nodes.every(({ figures }) => figures?.lagEvents === 0) ? found : undefined;
    });
    expect(node.name).toBe(NAMES[at]);
    expect(all.map(({ name, status, figures }) => [name, status, figures?.connections, figures?.wire])).toEqual(
      NAMES.map((name) => [name, "ready", 1, "connected"]),
    );
    for (const { figures } of all) expect(Math.abs(figures?.clockOffsetMs ?? Infinity)).toBeLessThan(20_000);
    expect(connections).toMatchObject({ all: 3, ofTenant: 3, bySurface: [{ surface: "native", all: 3 }] });
  }
  expect(await read(operations.operationsSummary, `${ROOT}?node=west`)).toMatchObject({ node: { name: "west" }, connections: { all: 1 } });
  expect((await ask(0, `${ROOT}?node=east`)).status).toBe(400);
  for (const path of ["", "/history", "/latency", "/topics", "/refusals", "/limits", "/views", "/tail", "/events?correlationId=c"])
    expect([path, (await ask(2, `${ROOT}${path}`)).text]).not.toContain("unanswered");
});

it("connections of all nodes stand in one list, and are ended wherever they are", async () => {
  for (const at of [0, 1, 2]) await follow(at);
  // Without those of the test before.
  await until(async () => (await read(connectionList, "connections")).connections.length === 3);
  const listed = await read(connectionList, "connections?limit=2", 2);
  const rest = await read(connectionList, `connections?after=${listed.next ?? ""}`, 1);
  const all = [...listed.connections, ...rest.connections];
  expect(all.map(({ node }) => node).sort()).toEqual(NAMES);
  const other = await ask(0, "connections", {}, await operator("neighbours"));
  expect(JSON.parse(other.text)).toEqual({ connections: [], next: null });
  const id = all.find(({ node }) => node === "south")?.id ?? "";
  expect((await ask(0, `connections/${id}`, { method: "DELETE" }, await operator("neighbours"))).status).toBe(404);
  expect((await ask(0, `connections/${id}`, { method: "DELETE" })).status).toBe(204);
  await until(async () => (await read(connectionList, "connections")).connections.length === 2);
  expect((await ask(0, `connections/${id}`, { method: "DELETE" })).status).toBe(404);
});

it("who got an event is told from all nodes, with their acks, and what was refused with its node", async () => {
  const [first, , third] = [await follow(0), await follow(1), await follow(2)];
  const eventId = await trade(1, "way");
  for (const client of [first, third]) await client.first("event");
  const way = await until(async () => {
    const found = await read(operations.eventWay, `${ROOT}/events/${eventId}`, 2);
    return found.deliveriesTotal === 3 ? found : undefined;
  });
  expect(way.deliveries.map(({ node, userId }) => [node, userId]).sort()).toEqual(NAMES.map((name) => [name, "ann"]));
  expect(way.ledger.complete).toBe(true);
  const ways = await read(operations.eventWays, `${ROOT}/events?correlationId=correlation-way`);
  expect(ways.ways).toMatchObject([{ deliveriesTotal: 3 }]);
  for (const at of [0, 1]) await publish(nodeAt(at).url, { type: `no.such.type-${at}`, data: {} });
  const { refusals } = await read(operations.publishRefusals, `${ROOT}/refusals`, 2);
  expect(refusals.map(({ node, type }) => [node, type]).sort()).toEqual([
    ["north", "no.such.type-0"],
    ["south", "no.such.type-1"],
  ]);
});

it("views of all nodes at one offset are the same, while events are stored on each of them and afterwards", async () => {
  const load = { isOn: true };
  const publishing = [0, 1, 2].map(async (at) => {
    for (let count = 0; load.isOn; count++) await trade(at, `view-${at}-${count}`);
  });
  const underLoad: operations.ViewsComparison[] = [];
  // On a busy machine not every comparison finds an offset that all have.
  for (let count = 0; count < 5 || (count < 100 && !underLoad.some(({ agree }) => agree)); count++)
    underLoad.push(await read(operations.viewsComparison, `${ROOT}/views`, count % 3));
  load.isOn = false;
  await Promise.all(publishing);
  expect(underLoad.map(({ agree }) => agree)).not.toContain(false);
  expect(underLoad.map(({ agree }) => agree)).toContain(true);
  const atRest = await read(operations.viewsComparison, `${ROOT}/views`);
  expect(atRest).toMatchObject({ agree: true, nodes: [{ agrees: true }, { agrees: true }, { agrees: true }] });
  expect(atRest.nodes.map(({ name }) => name).sort()).toEqual(NAMES);
  expect(Object.values(atRest.nodes[0]?.views ?? {}).some(({ entities }) => entities > 0)).toBe(true);
});

it("latency from the log's stamp is measured by each node of what any of them stored, that from publish of what it took", async () => {
  await follow(2);
  await trade(0, "timed");
  const { count, stored } = await until(async () => {
    const found = await read(operations.latencyHistogram, `${ROOT}/latency?node=west`);
    return (found.stored?.count ?? 0) > 0 ? found : undefined;
  });
  expect(count).toBeLessThan(stored?.count ?? 0);
  const all = await read(operations.latencyHistogram, `${ROOT}/latency`);
  expect(all.stored?.count).toBeGreaterThanOrEqual(stored?.count ?? Infinity);
});

it("what of the outbox was refused is told by every node, with the reason, to its tenant alone", async () => {
  await query(database, "insert into broadtape.publishers (role, tenant) values ('postgres', 'tenant')");
  // Numbers that SQL has no fault to find with.
  const bad = JSON.stringify(order("bad"))
    .replace(/"(?:10|1\.50|0)"|null/g, "1e300")
    .replace(/"2026[^"]*"/, "-0");
  for (const source of ["first", "second"])
    await query(database, "select broadtape.publish('tenant', $1, $2)", [source, `[${JSON.stringify(order("fine"))}, ${bad}]`]);
  const { refused, next } = await until(async () => {
    const found = await read(operations.refusedOutbox, `${ROOT}/outbox?limit=1`, 1);
    return found.refused[0]?.source === "second" ? found : undefined;
  });
  expect(refused).toMatchObject([{ role: "postgres", events: 2, statusCode: 422, faults: [{ index: 1 }, {}, {}, {}, {}] }]);
  const rest = await read(operations.refusedOutbox, `${ROOT}/outbox?before=${next ?? ""}`, 2);
  expect([rest.refused.map(({ source }) => source), rest.next]).toEqual([["first"], null]);
  const other = await ask(0, `${ROOT}/outbox`, {}, await operator("neighbours"));
  expect(JSON.parse(other.text)).toMatchObject({ refused: [], next: null });
});

it("a node that stands still is named as silent, one that was killed as gone, until it is back", async () => {
  const west = nodeAt(2);
  const stateOf = async () => (await summary()).nodes.map(({ name, status }) => `${name} ${status}`);
  west.process.kill("SIGSTOP");
  expect(await stateOf()).toContain("west silent");
  expect((await read(operations.publishRefusals, `${ROOT}/refusals`)).unanswered).toMatchObject([{ name: "west" }]);
  expect((await ask(0, `${ROOT}/latency?node=west`)).status).toBe(503);
  await west.kill("SIGKILL");
  await until(async () => (await stateOf()).includes("west gone"));
  expect(await read(operations.publishRefusals, `${ROOT}/refusals`)).not.toHaveProperty("unanswered");
  nodes[2] = await west.restart();
  await until(async () => (await stateOf()).join() === "north ready,south ready,west ready");
  // It has folded what it missed.
  expect(await read(operations.viewsComparison, `${ROOT}/views`, 2)).toMatchObject({ agree: true });
});
