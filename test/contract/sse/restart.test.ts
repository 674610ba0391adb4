/** Contract 50-sse and 00-common: streams over an end of the server, polite or not; ids that retention has passed. */
import { EventSource } from "eventsource";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "../server.ts";
import { alert, alertsOf, closeReaders, fresh, order, position, read, say } from "./reader.ts";

let server: TestServer;
let forgetful: TestServer;
const sub = fresh("user");
let bearer = "";
let forgotten = "";
beforeAll(async () => {
  bearer = await token({ sub });
  [server, forgetful] = await Promise.all([
    startTestServer(),
    startTestServer({ env: { BROADTAPE_RETENTION: "1s", BROADTAPE_LIMIT_CHECKPOINT_MS: "200" } }),
  ]);
  [forgotten = ""] = await say(forgetful, order(sub, { id: "old" }));
  await say(forgetful, order(sub, { id: "young" }));
});
afterAll(() => Promise.all([server.remove(), forgetful.remove()]));
afterEach(closeReaders);

describe.each(["SIGTERM", "SIGKILL"] as const)("after %s", (signal) => {
  it("clients resume from the cursor that they had, and EventSource by itself, without a gap", async () => {
    const path = "/api/stream/trading";
    const symbol = fresh("SYM");
    const [plain, zipped, alerts] = await Promise.all([
      read(server, path, { bearer }),
      read(server, path, { bearer, gzip: true }),
      read(server, "/api/stream/alerts?replay=none", { bearer }),
    ]);
    const source = new EventSource(`${server.url}/api/stream/alerts?replay=none&token=${bearer}`);
    const got: unknown[] = [];
    const endings: unknown[] = [];
    source.addEventListener("alert:new", (event) => got.push((JSON.parse(String(event.data)) as { message: string }).message));
    source.addEventListener("resync", (event) => endings.push(event.data));
    // It comes back after 5 s: once is enough to see that.
    if (signal === "SIGTERM") source.close();
    else await until(() => source.readyState === source.OPEN);
    for (const each of [plain, zipped]) await each.first("position:update");
    await say(server, [position(sub, { id: symbol, symbol, entryPrice: "100", currentPrice: "100" }), alert(sub, `before ${signal}`)]);
    await publish(server.url, bestPrice(symbol, "110", "110"));
    for (const each of [plain, zipped]) await each.first("position:update", ({ positions: [first] }) => first?.["unrealizedPnL"] === "100");
    const cursor = zipped.events.findLast(({ id }) => id !== undefined)?.id ?? "";
    const [unseen] = await say(server, order(fresh("somebody")));
    await until(() => (signal === "SIGTERM" || got.length === 1) && alertsOf(alerts).length === 1);

    const began = performance.now();
    const code = await server.kill(signal);
    if (signal === "SIGTERM") {
      expect([code, performance.now() - began < 10_000]).toEqual([0, true]);
      for (const each of [plain, zipped, alerts]) {
        await each.ended;
        expect(each.events.at(-1)).toMatchObject({ name: "error", data: { code: "SHUTTING_DOWN", reconnectAfterMs: expect.any(Number) } });
      }
    }
    server = await server.restart();
    await say(server, [order(sub, { id: `after ${signal}` }), alert(sub, `after ${signal}`)]);

    const again = await read(server, path, { bearer, headers: { "Last-Event-ID": cursor } });
    await again.first("order:update");
    await say(server, order(sub, { id: `live ${signal}` }));
    await again.first("order:update", (data) => data["orderId"] === `live ${signal}`);
    expect(again.all("order:update").map(({ data }) => data["orderId"])).toEqual([`after ${signal}`, `live ${signal}`]);
    expect(again.all("resync")).toEqual([]);
    for (const { data } of again.all("position:update")) expect(data["snapshot"]).toBeUndefined();
    expect(((await again.first("order:update")).id ?? "") > (unseen ?? "")).toBe(true);
    const fresher = await read(server, "/api/stream/positions?replay=none", { bearer });
    const { data } = await fresher.first("position:update");
    expect(data.positions).toContainEqual(expect.objectContaining({ symbol, currentPrice: "110", unrealizedPnL: "100" }));
    const anew = await read(server, "/api/stream/alerts", { bearer: await token({ sub }) });
    await anew.first("connected");

    if (signal === "SIGTERM") return;
    await until(() => got.length === 2);
    await say(server, alert(sub, "back"));
    await until(() => got.length === 3);
    expect([got, endings]).toEqual([[`before ${signal}`, `after ${signal}`, "back"], []]);
    source.close();
  });
});

it("tells who comes back with an id older than retention that it has expired, and what stands", async () => {
  const stream = await until(async () => {
    const back = await read(forgetful, "/api/stream/orders", { bearer, headers: { "Last-Event-ID": forgotten } });
    await until(() => back.events.length >= 2);
    if (back.names().includes("resync")) return back;
    back.close();
    return undefined;
  });
  await stream.first("order:update");
  expect(stream.names()).toEqual(["connected", "resync", "order:update"]);
  expect(stream.all("resync")[0]?.data).toMatchObject({ reason: "expired" });
  expect(stream.all("order:update")[0]?.data.orders).toMatchObject([{ orderId: "old" }, { orderId: "young" }]);
  stream.close();
  const anew = await read(forgetful, "/api/stream/orders", { bearer });
  expect((await anew.first("order:update")).data["snapshot"]).toBe(true);
});
