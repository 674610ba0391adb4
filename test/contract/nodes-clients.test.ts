/** Clients of two nodes over one PostgreSQL: limits, sessions, places and acks are the same at both. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { newDatabase } from "../postgres-database.ts";
import { nativeClients } from "./native-client.ts";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";
import { alert, alertsOf, closeReaders, read, say } from "./sse/reader.ts";
import { feedClients, fraudAlert, payments, tell } from "./transactions/feed-client.ts";

const MOST = 6;
const MOST_SUBSCRIPTIONS = 8;
let nodes: readonly [TestServer, TestServer];
const notified: string[] = [];
const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (data: Buffer) => (body += data.toString()));
  request.on("end", () => {
    notified.push((JSON.parse(body) as { alert: { transactionId: string } }).alert.transactionId);
    response.writeHead(200).end();
  });
});

beforeAll(async () => {
  await once(receiver.listen(0, "127.0.0.1"), "listening");
  const env = {
    BROADTAPE_DATABASE_URL: await newDatabase(),
    BROADTAPE_LIMIT_CONNECTIONS_PER_USER: String(MOST),
    BROADTAPE_LIMIT_SUBSCRIPTIONS_PER_USER: String(MOST_SUBSCRIPTIONS),
    BROADTAPE_LIMIT_FRAUD_ACK_MS: "4000",
    BROADTAPE_NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
    BROADTAPE_NOTIFY_WEBHOOK_SECRET: "a secret that the receiver shares",
  };
  nodes = await Promise.all([startTestServer({ env }), startTestServer({ env })]);
});
const feeds = [feedClients(() => nodes[0]), feedClients(() => nodes[1])] as const;
const natives = [nativeClients(() => nodes[0]), nativeClients(() => nodes[1])] as const;
afterEach(() => {
  closeReaders();
  for (const each of [...feeds, ...natives]) each.end();
});
afterAll(async () => {
  for (const node of nodes) await node.remove();
  receiver.close();
});

let last = 0;
const newUser = () => `user-${++last}`;
const PHONE = "?clientId=phone";

async function rest(
  node: TestServer,
  method: string,
  path: string,
  sub: string,
  body?: object,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${node.url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${await token({ sub })}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

describe("a client that names itself", () => {
  it("takes over from its connection at the other node, with what it had not acknowledged there a moment ago", async () => {
    const sub = newUser();
    const first = await feeds[0].plain({ sub }, PHONE);
    await first.subscribe({ events: ["transaction"] });
    const ids = await tell(nodes[1], payments(sub, ["a", "b", "c"]));
    await first.idsUpTo("c");
    first.say({ type: "ack", eventIds: [ids[0], ids[1]] });
    // Answered after the ack was taken.
    await first.subscribe({ events: ["transaction"] });
    const second = await feeds[1].plain({ sub }, PHONE);
    expect(await first.closed).toContain("REPLACED");
    expect(second.told[0]).toMatchObject({ resumed: true, subscription: { events: ["transaction"] } });
    await tell(nodes[0], payments(sub, ["d"]));
    await second.idsUpTo("d");
    expect(second.ids()).toEqual(["c", "d"]);
    second.close();
    const third = await feeds[0].plain({ sub }, PHONE);
    await third.idsUpTo("d");
    expect(third.ids()).toEqual(["c", "d"]);
  });

  it("is told at once what somebody changes over REST at the other node, which answers what is written", async () => {
    const sub = newUser();
    const client = await feeds[0].plain({ sub }, PHONE);
    await client.subscribe({ events: ["transaction"] });
    const { body: list } = await rest(nodes[1], "GET", "subscriptions", sub);
    const [{ id } = { id: "" }] = (list as { subscriptions: { id: string }[] }).subscriptions;
    const changed = await rest(nodes[1], "PATCH", `subscriptions/${id}`, sub, { events: ["fraud"] });
    expect(changed).toMatchObject({ status: 200, body: { events: ["fraud"] } });
    expect(await client.first("subscribed", 1)).toMatchObject({ events: ["fraud"] });
    expect((await rest(nodes[0], "GET", `subscriptions/${id}`, sub)).body).toMatchObject({ events: ["fraud"] });
    expect((await rest(nodes[1], "DELETE", `subscriptions/${id}`, sub)).status).toBe(204);
    expect((await rest(nodes[0], "GET", `subscriptions/${id}`, sub)).status).toBe(404);
    await client.first("subscribed", 2);
  });

  it("has what was changed of it at both nodes at the same time", async () => {
    const sub = newUser();
    const creation = { clientId: "phone", events: ["transaction"], filters: {} };
    const { id } = (await rest(nodes[0], "POST", "subscriptions", sub, creation)).body as { id: string };
    for (let minAmount = 1; minAmount <= 10; minAmount++) {
      const events = minAmount % 2 === 0 ? ["transaction", "fraud"] : ["transaction", "balance"];
      await Promise.all([
        rest(nodes[0], "PATCH", `subscriptions/${id}`, sub, { events }),
        rest(nodes[1], "PATCH", `subscriptions/${id}`, sub, { filters: { minAmount } }),
      ]);
      const { body } = await rest(nodes[minAmount % 2 === 0 ? 0 : 1], "GET", `subscriptions/${id}`, sub);
      expect(body).toMatchObject({ events, filters: { minAmount } });
    }
  });

  it("of the native protocol has one connection, and goes on at the other node after what it acknowledged", async () => {
    const sub = newUser();
    const first = await natives[0].welcomed({ sub }, PHONE);
    first.say({ type: "subscribe", topics: ["transactions:me"], snapshot: false });
    await first.first("subscribed");
    await tell(nodes[1], payments(sub, ["a", "b", "c"]));
    const [, b, c] = (await first.first("batch"))["events"] as { eventId: string }[];
    first.say({ type: "ack", upTo: b?.eventId });
    // Answered after the ack was taken.
    first.say({ type: "unsubscribe", topics: ["symbol:A"] });
    await first.first("unsubscribed");
    const second = await natives[1].welcomed({ sub }, PHONE);
    second.say({ type: "subscribe", topics: ["transactions:me"], snapshot: false });
    expect(await first.first("closing")).toMatchObject({ code: "REPLACED", reconnect: false });
    expect((await second.first("event"))["eventId"]).toBe(c?.eventId);
  });
});

describe("limits", () => {
  it("of a user's connections hold over both nodes, though all come at once", async () => {
    const sub = newUser();
    const bearer = await token({ sub });
    const opened = Array.from({ length: 12 }, (_, index) => natives[index % 2 === 0 ? 0 : 1].open({ bearer }));
    const isIn = opened.map(({ told, closed }) => {
      let isOut = false;
      void closed.then(() => (isOut = true));
      return () => (told.some(({ type }) => type === "welcome") ? true : isOut ? false : undefined);
    });
    await until(() => isIn.every((each) => each() !== undefined));
    expect(isIn.filter((each) => each() === true)).toHaveLength(MOST);
    for (const client of opened) client.socket.terminate();
    // Their places are given back.
    const again = await until(async () => {
      const client = natives[1].open({ bearer });
      await Promise.race([client.closed, client.first("welcome")]);
      return client.told.length > 0 && client;
    });
    again.socket.terminate();
  });

  it("of subscriptions made over REST hold over both nodes, though all come at once", async () => {
    for (let time = 0; time < 5; time++) {
      const sub = newUser();
      const making = Array.from({ length: 2 * MOST_SUBSCRIPTIONS }, (_, index) =>
        rest(index % 2 === 0 ? nodes[0] : nodes[1], "POST", "subscriptions", sub, { clientId: `c-${index}`, events: ["fraud"] }),
      );
      const made = (await Promise.all(making)).filter(({ status }) => status === 201).length;
      const { body } = await rest(nodes[1], "GET", "subscriptions", sub);
      expect((body as { subscriptions: unknown[] }).subscriptions).toHaveLength(made);
      expect(made).toBeLessThanOrEqual(MOST_SUBSCRIPTIONS);
    }
  });

  it("of failed attempts to open a stream count at both", async () => {
    const attempt = async (at: 0 | 1) => (await fetch(`${nodes[at].url}/api/stream/alerts?token=bad`)).status;
    const answers: number[] = [];
    for (const at of [0, 1, 0, 1, 0] as const) answers.push(await attempt(at));
    expect(answers).toEqual([401, 401, 401, 401, 401]);
    expect([await attempt(0), await attempt(1)]).toEqual([429, 429]);
  });
});

it("a cookie session that is ended at one node has ended at the other, with what hung on it there", async () => {
  const opening = await fetch(`${nodes[0].url}/api/session`, {
    method: "POST",
    headers: { authorization: `Bearer ${await token({ sub: newUser() })}` },
  });
  const cookie = (opening.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const stream = await fetch(`${nodes[1].url}/api/v1/stream?topics=symbol:A`, { headers: { cookie } });
  const topic = () => fetch(`${nodes[1].url}/api/v1/topics/symbol:A/events`, { headers: { cookie } });
  expect([stream.status, (await topic()).status]).toEqual([200, 200]);
  expect((await fetch(`${nodes[0].url}/api/session`, { method: "DELETE", headers: { cookie } })).status).toBe(204);
  expect(await stream.text()).toContain("TOKEN_EXPIRED");
  expect((await topic()).status).toBe(401);
});

it("tells the user by other means, once, of the alert that no device acknowledged at any node, and of no other", async () => {
  const sub = newUser();
  const device = await feeds[1].plain({ sub }, `${PHONE}&events=fraud`);
  await device.first("subscribed");
  for (const transactionId of ["acknowledged", "ignored"])
    await publish(nodes[0].url, fraudAlert(sub, { transactionId: JSON.stringify(transactionId) }));
  const { eventId } = await device.first("fraud");
  device.say({ type: "ack", eventId });
  await until(() => notified.length > 0);
  // Whoever else would notify has done so by the time of the next alert's end.
  await publish(nodes[1].url, fraudAlert(sub, { transactionId: '"next"' }));
  await until(() => notified.includes("next"));
  expect(notified).toEqual(["ignored", "next"]);
});

it("tells a user who comes back at the other node what came since it left the first", async () => {
  const sub = newUser();
  const bearer = await token({ sub });
  const first = await read(nodes[0], "/api/stream/alerts", { bearer });
  await first.first("connected");
  await say(nodes[1], [alert(sub, "1"), alert(sub, "2")]);
  await until(() => alertsOf(first).length === 2);
  const beside = await read(nodes[1], "/api/stream/alerts", { bearer });
  await beside.first("connected");
  await say(nodes[1], alert(sub, "3"));
  await until(() => alertsOf(first).length === 3 && alertsOf(beside).length > 0);
  expect(alertsOf(beside)).toEqual(["3"]);
  for (const each of [beside, first]) each.close();
  await until(async () => {
    const metrics = await Promise.all(
      nodes.map(async ({ url }) => (await fetch(`${url}/api/stream/metrics`)).json() as Promise<{ totalClients: number }>),
    );
    return metrics.every(({ totalClients }) => totalClients === 0);
  });
  await say(nodes[0], alert(sub, "4"));
  const back = await read(nodes[1], "/api/stream/alerts", { bearer });
  await until(() => alertsOf(back).length > 0);
  await say(nodes[0], alert(sub, "5"));
  await until(() => alertsOf(back).includes("5"));
  expect(alertsOf(back)).toEqual(["4", "5"]);
});

it("what a client posts beside its event stream reaches it from any node, and nobody else's", async () => {
  const sub = newUser();
  const stream = await read(nodes[0], "/api/v1/stream", { bearer: await token({ sub }) });
  const path = `stream/${String((await stream.first("welcome")).data["connectionId"])}/commands`;
  const follow = { type: "subscribe", id: 1, topics: ["alerts:me"] };
  expect(await rest(nodes[1], "POST", path, sub, [follow, { type: "nonsense" }])).toEqual({ status: 202, body: { accepted: true } });
  expect((await stream.first("subscribed")).data).toMatchObject({ id: 1, results: [{ ok: true }] });
  expect((await stream.first("error")).data).toMatchObject({ code: "BAD_REQUEST" });
  for (const node of nodes) {
    expect((await rest(node, "POST", path, newUser(), follow)).status).toBe(404);
    expect((await rest(node, "POST", `${path.slice(0, -10)}0/commands`, sub, follow)).status).toBe(404);
  }
  await say(nodes[1], [alert(sub, "heard")]);
  expect((await stream.first("event")).data).toMatchObject({ topic: `alerts:${sub}` });
});

it("sends a test event to the streams of both nodes, whichever is asked, and counts them all", async () => {
  const streams = await Promise.all(nodes.map((node) => read(node, "/api/stream/alerts")));
  for (const stream of streams) await stream.first("connected");
  const bearer = await token({ sub: "operator", permissions: ["stream:admin"] });
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  for (const [time, { url }] of nodes.entries()) {
    const answer = await fetch(`${url}/api/stream/test`, { method: "POST", headers, body: `{"message":"${time}"}` });
    expect(await answer.json()).toEqual({ clients: 2 });
  }
  for (const stream of streams) {
    await until(() => stream.all("test").length === 2, stream.text);
    expect(stream.all("test").map(({ data }) => data["message"])).toEqual(["0", "1"]);
  }
});
