/** Contract 50-sse "Buffer": what came while a user had no connection comes first, then the snapshot, then what happens. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token, until } from "../server.ts";
import { type Draft, alert, alertsOf, closeReaders, fresh, order, position, read, say } from "./reader.ts";

const AGE_MS = 2000;
let server: TestServer;
let impatient: TestServer;
beforeAll(async () => {
  [server, impatient] = await Promise.all([
    startTestServer(),
    startTestServer({ env: { BROADTAPE_LIMIT_STREAM_MISSED_EVENTS: "10", BROADTAPE_LIMIT_STREAM_MISSED_MS: String(AGE_MS) } }),
  ]);
});
afterAll(() => Promise.all([server.remove(), impatient.remove()]));
afterEach(closeReaders);

const user = async (word: string) => {
  const sub = fresh(word);
  return { sub, bearer: await token({ sub }) };
};
const numbered = (sub: string, from: number, to: number): Draft[] =>
  Array.from({ length: to - from }, (_, each) => alert(sub, `${from + each}`));
const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, each) => `${from + each}`);

describe("a user without a connection", () => {
  it("is told the last 100 events of the stream, in order, then the snapshot, which has the last word, then what happens", async () => {
    const { sub, bearer } = await user("away");
    const ids: string[] = [];
    for (let batch = 0; batch < 5; batch++) {
      const drafts = Array.from({ length: 25 }, (_, each) => order(sub, { id: `o-${batch * 25 + each}` }));
      ids.push(...(await say(server, [...drafts, alert(sub, "no order"), position(sub), order(fresh("other"))])).slice(0, 25));
    }
    const stream = await read(server, "/api/stream/orders", { bearer });
    const snapshot = await stream.first("order:update", (data) => data["snapshot"] === true);
    expect(stream.events.slice(1, -1).map(({ id }) => id)).toEqual(ids.slice(25));
    expect(stream.events.at(-1)).toBe(snapshot);
    expect(snapshot.data.orders).toHaveLength(125);
    expect((snapshot.id ?? "") > (ids.at(-1) ?? "")).toBe(true);
    const [next] = await say(server, order(sub, { id: "next" }));
    expect((await stream.first("order:update", (data) => data["orderId"] === "next")).id).toBe(next);
  });

  it("is told nothing of that with ?replay=none, and what stands all the same", async () => {
    const { sub, bearer } = await user("none");
    await say(server, [order(sub), position(sub)]);
    for (const path of ["orders", "trading", "positions"]) {
      const stream = await read(server, `/api/stream/${path}?replay=none`, { bearer });
      await until(() => stream.events.length >= (path === "trading" ? 3 : 2));
      for (const { data } of stream.events.slice(1)) expect(data["snapshot"]).toBe(true);
    }
    const { sub: alerted, bearer: theirs } = await user("none");
    await say(server, alert(alerted, "missed"));
    const alerts = await read(server, "/api/stream/alerts?replay=none", { bearer: theirs });
    await alerts.first("connected");
    await say(server, alert(alerted, "live"));
    await until(() => alertsOf(alerts).length > 0);
    expect(alertsOf(alerts)).toEqual(["live"]);
    const wrong = await read(server, "/api/stream/alerts?replay=all", { bearer });
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { error: "Bad Request", statusCode: 400 }]);
  });

  it("is told all that came since it left, even in the middle of a batch, and nothing twice", async () => {
    const { sub, bearer } = await user("left");
    const first = await read(server, "/api/stream/alerts", { bearer });
    await first.first("connected");
    await say(server, numbered(sub, 0, 3));
    await until(() => alertsOf(first).length === 3);
    first.close();
    await gone(server, sub);
    await say(server, numbered(sub, 3, 6));
    const [again, other] = await Promise.all([
      read(server, "/api/stream/alerts", { bearer }),
      read(server, "/api/stream/alerts", { bearer }),
    ]);
    await until(() => alertsOf(again).length === 3, again.text);
    expect(alertsOf(again)).toEqual(texts(3, 6));
    await say(server, alert(sub, "live"));
    await until(() => alertsOf(other).includes("live") && alertsOf(again).includes("live"), other.text);
    expect(alertsOf(again)).toEqual([...texts(3, 6), "live"]);
  });

  it("does not miss anything while another of its connections is there", async () => {
    const { sub, bearer } = await user("present");
    const one = await read(server, "/api/stream/alerts", { bearer });
    await one.first("connected");
    await say(server, numbered(sub, 0, 3));
    await until(() => alertsOf(one).length === 3);
    const two = await read(server, "/api/stream/alerts", { bearer });
    await two.first("connected");
    await say(server, alert(sub, "live"));
    await until(() => alertsOf(two).length > 0);
    expect(alertsOf(two)).toEqual(["live"]);
  });

  it("is of one tenant: the same name in another is told nothing", async () => {
    const { sub } = await user("twin");
    await say(server, [alert(sub, "mine"), order(sub)], "one");
    const stream = await read(server, "/api/stream/alerts", { bearer: await token({ sub, tenantId: "two" }) });
    const orders = await read(server, "/api/stream/orders", { bearer: await token({ sub, tenantId: "two" }) });
    expect((await orders.first("order:update")).data.orders).toEqual([]);
    await say(server, alert(sub, "theirs"), "two");
    await until(() => alertsOf(stream).length > 0);
    expect(alertsOf(stream)).toEqual(["theirs"]);
  });
});

describe("limits of what was missed", () => {
  it("are as many as configured, and no older than configured", async () => {
    const { sub, bearer } = await user("old");
    await publish(impatient.url, numbered(sub, 0, 5));
    const oldAt = performance.now();
    await until(() => performance.now() > oldAt + AGE_MS + 50);
    await publish(impatient.url, numbered(sub, 5, 8));
    const young = await read(impatient, "/api/stream/alerts", { bearer });
    await until(() => alertsOf(young).length >= 3, young.text);
    expect(alertsOf(young)).toEqual(texts(5, 8));
    young.close();
    await gone(impatient, sub);
    await publish(impatient.url, numbered(sub, 8, 30));
    const many = await read(impatient, "/api/stream/alerts", { bearer });
    await until(() => alertsOf(many).length >= 10, many.text);
    expect(alertsOf(many)).toEqual(texts(20, 30));
  });
});

/** The server has noticed that the user has no connection any more. */
async function gone({ url }: TestServer, sub: string): Promise<void> {
  const bearer = await token({ sub: "operator", permissions: ["stream:admin"] });
  await until(async () => {
    const metrics = await read({ url }, "/api/stream/metrics", { bearer });
    return !JSON.stringify(await metrics.json()).includes(`"${sub}"`);
  });
}
