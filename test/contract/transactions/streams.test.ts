/** Contract 30-transactions "SSE": the feed as an event stream, whose cursor is the last event id; no acks. */
import { EventSource } from "eventsource";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import { EVENT_ID, balance, feedClients, fraudAlert, payment, payments, tell, walletChange } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: "50", BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000" } });
});
afterAll(() => server.remove());
const { stream, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

async function restarted(): Promise<TestServer> {
  await server.kill("SIGKILL");
  return server.restart();
}

describe("GET /api/v1/sse/transactions", () => {
  it("gives the balances as they stand, with the ids of the events that set them, then transactions and balances", async () => {
    const sub = newUser();
    const [, ngn, usd] = await tell(server, [balance(sub, "NGN", "1"), balance(sub, "NGN", "2.50"), balance(sub, "USD", "3")]);
    const client = await stream({ sub });
    const { response } = client;
    expect([response.status, response.headers.get("content-type"), response.headers.get("cache-control")]).toEqual([
      200,
      "text/event-stream",
      "no-cache",
    ]);
    await client.first("balance", 1);
    await tell(server, [walletChange(sub, "FROZEN"), fraudAlert(sub), ...payments(sub, ["t"])]);
    await client.idsUpTo("t");
    const told = client.told.filter(({ type }) => ["transaction", "balance", "wallet", "fraud"].includes(type));
    expect(told.map(({ type }) => type)).toEqual(["balance", "balance", "transaction"]);
    expect(
      client
        .all("balance")
        .map(({ eventId }) => eventId)
        .toSorted(),
    ).toEqual([ngn, usd].toSorted());
    expect(client.texts.join()).toContain('"availableBalance":2.50,');
  });

  it("is read by EventSource with the token in the query, and goes on after its last event id", async () => {
    const sub = newUser();
    const seen: string[] = [];
    const source = new EventSource(`${server.url}/api/v1/sse/transactions?token=${await token({ sub })}`);
    source.addEventListener("transaction", ({ data, lastEventId }: MessageEvent<string>) => {
      const { eventId, transaction } = JSON.parse(data) as { eventId: string; transaction: { id: string } };
      expect([lastEventId, eventId]).toEqual([eventId, expect.stringMatching(EVENT_ID)]);
      seen.push(transaction.id);
    });
    await new Promise<void>((resolve) => source.addEventListener("open", () => resolve()));
    await tell(server, payments(sub, ["a", "b"]));
    await until(() => seen.length === 2);
    server = await restarted();
    await tell(server, payments(sub, ["c", "d"]));
    await until(
      () => seen.length === 4,
      () => seen,
    );
    expect(seen).toEqual(["a", "b", "c", "d"]);
    source.close();
  });

  it("resumes after any event's id, the filters applied, with lastEventId in the query as well", async () => {
    const sub = newUser();
    const ids = await tell(
      server,
      Array.from({ length: 12 }, (_, index) => payment(sub, `t${index}`, { amount: `${index}.00` })),
    );
    const all = ids.map((_, index) => `t${index}`);
    for (const [index, id] of ids.slice(0, 9).entries()) {
      const inQuery = await stream({ sub }, `?minAmount=3&maxAmount=9&lastEventId=${id}`);
      const inHeader = await stream({ sub }, "?minAmount=3&maxAmount=9", id);
      for (const client of [inQuery, inHeader]) expect(await client.idsUpTo("t9")).toEqual(all.slice(Math.max(3, index + 1), 10));
    }
  });

  it("tells each event once; nothing is sent again, though nobody acknowledges", async () => {
    const sub = newUser();
    const client = await stream({ sub }, "?events=transaction");
    const ids = Array.from({ length: 600 }, (_, index) => `t${index}`);
    await tell(server, payments(sub, ids));
    await client.idsUpTo("t599");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.ids()).toEqual(ids);
  });

  it("lists of statuses are separated by commas, or repeated", async () => {
    const sub = newUser();
    const [commas, repeated] = [await stream({ sub }, "?status=A,B"), await stream({ sub }, "?status=A&status=B")];
    await tell(server, [...["A", "C", "B"].map((status) => payment(sub, status, { status: `"${status}"` })), balance(sub, "NGN", "1")]);
    for (const client of [commas, repeated]) {
      await client.first("balance");
      expect(client.ids()).toEqual(["A", "B"]);
    }
  });

  it("ends with TOKEN_EXPIRED when its token does", async () => {
    const client = await stream({ sub: newUser(), ttlMs: 3000 });
    expect(await client.closed).toBe("ended");
    expect(client.all("error")).toEqual([{ type: "error", code: "TOKEN_EXPIRED", message: expect.any(String) }]);
  });

  it.each([undefined, "Bearer nonsense", "Basic dTpw"])("is refused with 401 for the authorization %s", async (authorization) => {
    const response = await fetch(`${server.url}/api/v1/sse/transactions`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    expect([response.status, await response.json()]).toEqual([
      401,
      { error: "Unauthorized", message: expect.any(String), statusCode: 401 },
    ]);
  });
});
