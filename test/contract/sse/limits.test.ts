/** Contract 50-sse: connections of a user, attempts of an address, readers that do not read. */
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, startTestServer, token, until } from "../server.ts";
import { type Reader, alert, alertsOf, closeReaders, fresh, order, read, say } from "./reader.ts";

let server: TestServer;
let strict: TestServer;
beforeAll(async () => {
  [server, strict] = await Promise.all([
    startTestServer({
      env: {
        BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000",
        BROADTAPE_LIMIT_UNSENT_BYTES: "65536",
        BROADTAPE_LIMIT_BEHIND_BYTES: "16384",
        BROADTAPE_LIMIT_SLOW_CONSUMER_MS: "60000",
      },
    }),
    startTestServer({
      env: {
        BROADTAPE_LIMIT_SSE_ATTEMPTS_PER_MINUTE: "60",
        BROADTAPE_LIMIT_SLOW_CONSUMER_MS: "1000",
        BROADTAPE_LIMIT_UNSENT_BYTES: "65536",
      },
    }),
  ]);
});
afterAll(() => Promise.all([server.remove(), strict.remove()]));
afterEach(closeReaders);

const linesOf = ({ output }: TestServer) =>
  output()
    .split("\n")
    .flatMap((line) => (line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line) as Record<string, unknown>] : []));

describe("the 11th connection of a user", () => {
  it("closes the oldest of all streams, which is told not to come back; the others go on", async () => {
    const sub = fresh("crowd");
    const bearer = await token({ sub });
    const names = ["orders", "alerts", "prices", "positions", "trading", "alerts", "ai-decisions", "alerts", "orders", "alerts"];
    const readers: Reader[] = [];
    for (const [index, name] of names.entries()) {
      readers.push(await read(server, `/api/stream/${name}`, { bearer, headers: { "X-Correlation-ID": `${sub}-${index}` } }));
      await readers.at(-1)?.first("connected");
    }
    const others = await Promise.all([
      read(server, "/api/stream/alerts", { bearer: await token({ sub, tenantId: "another" }) }),
      read(server, "/api/stream/prices", { bearer: null }),
    ]);
    for (const each of others) await each.first("connected");
    expect(readers.some((reader) => reader.isEnded())).toBe(false);
    const eleventh = await read(server, "/api/stream/alerts", { bearer, gzip: true });
    await eleventh.first("connected");
    const [oldest, second] = readers;
    await oldest?.ended;
    expect(oldest?.text()).toMatch(/event: limit\ndata: \{"reason":"connections","max":10,"reconnect":false\}\nretry: 5000\n\n$/);
    expect(second?.isEnded()).toBe(false);
    await say(server, alert(sub, "to all"));
    for (const each of [...readers.slice(1).filter((_, index) => names[index + 1] === "alerts"), eleventh])
      await until(() => alertsOf(each).includes("to all"), each.text);
    for (const each of others) expect(each.isEnded()).toBe(false);
    const line = await until(() => linesOf(server).find(({ correlationId, level }) => correlationId === `${sub}-0` && level === 40));
    expect(line).toMatchObject({ userId: sub, tenant: "tenant", surface: "stream-orders" });
    const twelfth = await read(server, "/api/stream/alerts", { bearer });
    await twelfth.first("connected");
    await second?.ended;
    expect(second?.all("limit")).toHaveLength(1);
  });

  it("is no one's among strangers, who share a name and nothing else", async () => {
    const strangers: Reader[] = [];
    for (let each = 0; each < 12; each++) strangers.push(await read(server, "/api/stream/prices", { bearer: null }));
    for (const each of strangers) await each.first("connected");
    expect(strangers.some((each) => each.isEnded())).toBe(false);
  });
});

describe("attempts of an address", () => {
  it("are 5 a minute for strangers and those that fail, and that does not lock out who signs in; those are 60", async () => {
    const bearer = await token();
    const refused = async (answer: Reader) => {
      expect(answer.status).toBe(429);
      expect(answer.headers["retry-after"]).toMatch(/^[1-9]\d?$/);
      expect(await answer.json()).toEqual({ error: "Too Many Requests", message: expect.any(String), statusCode: 429 });
    };
    const statuses: number[] = [];
    for (const [path, who] of [
      ["prices", null],
      ["orders", null],
      ["orders", "nonsense"],
      ["trading?userId=somebody", bearer],
      ["prices", null],
    ] as const) {
      const answer = await read(strict, `/api/stream/${path}`, { bearer: who });
      statuses.push(answer.status);
      answer.close();
    }
    expect(statuses).toEqual([200, 401, 401, 403, 200]);
    await refused(await read(strict, "/api/stream/prices", { bearer: null }));
    await refused(await read(strict, "/api/stream/alerts", { bearer: null }));
    await refused(await read(strict, "/api/stream/trading?userId=somebody", { bearer }));
    // Two of the sixty were the forbidden ones.
    for (let each = 2; each < 60; each++) {
      const answer = await read(strict, `/api/stream/${each % 2 === 0 ? "strategies/none" : "alerts"}`, { bearer });
      expect(answer.status, `attempt ${each}`).toBe(each % 2 === 0 ? 404 : 200);
      answer.close();
    }
    const over = await read(strict, "/api/stream/orders", { bearer, headers: { "X-Correlation-ID": "one-too-many" } });
    await refused(over);
    expect((await read(strict, "/api/stream/metrics", { bearer: null })).status).toBe(200);
    expect((await read(strict, "/api/stream/prices", { bearer: null, method: "OPTIONS" })).status).toBe(200);
    const line = await until(() => linesOf(strict).find(({ correlationId }) => correlationId === "one-too-many"));
    expect(line["level"]).toBe(40);
  });
});

describe("a reader that does not read", () => {
  it("loses no order, skips prices, and is logged", async () => {
    const sub = fresh("slow");
    const bearer = await token({ sub });
    const headers = { "X-Correlation-ID": `${sub}-slow` };
    const orders = await read(server, "/api/stream/orders?replay=none", { bearer, headers });
    const prices = await read(server, "/api/stream/prices?symbols=SLOW", { bearer });
    await Promise.all([orders.first("order:update"), prices.first("price:update")]);
    for (const each of [orders, prices]) each.pause();
    const reason = "x".repeat(1000);
    const ids: string[] = [];
    const isLogged = () =>
      linesOf(server).some(
        ({ correlationId, level, msg }) => correlationId === headers["X-Correlation-ID"] && level === 40 && /keep up/.test(String(msg)),
      );
    // What is between takes some of it; how much, is the system's and a proxy's.
    let batch = 0;
    for (; batch < 10 || (batch < 40 && !isLogged()); batch++) {
      const drafts = Array.from({ length: 800 }, (_, each) =>
        order(sub, { id: `o-${batch}-${each}`, status: "rejected" }, "rejected", { reason }),
      );
      ids.push(...(await say(server, drafts)));
      await publish(server.url, bestPrice("SLOW", `${batch + 1}`, `${batch + 1}`, { tenantid: "public" }));
    }
    await until(isLogged);
    for (const each of [orders, prices]) each.resume();
    await until(
      () => orders.all("order:update").length >= ids.length + 1,
      () => orders.events.length,
    );
    expect(
      orders
        .all("order:update")
        .slice(1)
        .map(({ id }) => id),
    ).toEqual(ids);
    await prices.first("price:update", (data) => data["price"] === batch);
    const told = prices
      .all("price:update")
      .slice(1)
      .map(({ data }) => Number(data["price"]));
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  it("is closed and forgotten when it takes nothing for too long", async () => {
    const { sub, isLogged } = await deaf(strict);
    await until(() => isLogged({ msg: "disconnected", code: "SLOW_CONSUMER", level: 30 }));
    const operator = await token({ permissions: ["stream:admin"] });
    expect((await (await read(strict, "/api/stream/metrics", { bearer: operator })).json())["clientsPerUser"]).not.toContainEqual(
      expect.objectContaining({ userId: sub }),
    );
  });

  it("is closed, forgotten and logged when writing to it fails", async () => {
    const { socket, isLogged } = await deaf(server);
    socket.resetAndDestroy();
    await until(() => isLogged({ msg: "disconnected", level: 30 }));
    await until(
      () => isLogged({ msg: "delivery failed", level: 50 }),
      () => server.output().slice(-2000),
    );
  });
});

/** A reader, from an address of its own, that has stopped taking what it is owed. */
async function deaf(at: TestServer) {
  const sub = fresh("deaf");
  const socket = connect({ port: Number(new URL(at.url).port), host: "127.0.0.1", localAddress: "127.0.0.2" });
  socket.on("error", () => undefined);
  socket.write(
    `GET /api/stream/alerts?replay=none HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: ${sub}\r\nAuthorization: Bearer ${await token({ sub })}\r\n\r\n`,
  );
  const isLogged = (fields: Record<string, unknown>) =>
    linesOf(at).some((line) => line["correlationId"] === sub && Object.entries(fields).every(([name, value]) => line[name] === value));
  await until(() => isLogged({ msg: "connected" }));
  socket.pause();
  for (let batch = 0; batch < 12 && !isLogged({ level: 40 }); batch++)
    await say(
      at,
      Array.from({ length: 450 }, () => alert(sub, "y".repeat(2000))),
    );
  await until(() => isLogged({ level: 40 }));
  return { sub, socket, isLogged };
}
