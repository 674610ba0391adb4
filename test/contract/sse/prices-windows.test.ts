/** Contract 50-sse: `/api/stream/prices`: whose prices, which symbols, windows of 100 ms, resume. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, publisherToken, startTestServer, token, until } from "../server.ts";
import { ID, ISO, type Reader, closeReaders, fresh, read } from "./reader.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: { BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000", BROADTAPE_LIMIT_SYMBOLS_PER_CLIENT: "5" },
  });
});
afterAll(() => server.remove());
afterEach(closeReaders);

const price = async (symbol: string, bid: string, ask = bid, tenantid = "public") => {
  const { status, body } = await publish(server.url, bestPrice(symbol, bid, ask, { tenantid }));
  expect(status).toBe(200);
  return body.results[0]?.eventId ?? "";
};
const open = async (query = "", headers: Record<string, string> = {}, bearer: string | null = null) => {
  const stream = await read(server, `/api/stream/prices${query}`, { bearer, headers });
  await stream.first("connected");
  return stream;
};
const of = (stream: Reader, symbol: string) => stream.all("price:update").filter(({ data }) => data["symbol"] === symbol);

describe("symbols", () => {
  it("come with what is known of them first, marked, and are the only ones", async () => {
    const [known, unknown, other] = [fresh("K"), fresh("U"), fresh("X")];
    const id = await price(known, "1.10", "1.30");
    const stream = await open(`?symbols=${known},${unknown},%20${known}%20,`);
    await until(() => of(stream, known).length === 1 && of(stream, unknown).length === 1, stream.text);
    expect(of(stream, known)[0]?.data).toMatchObject({
      symbol: known,
      initializing: true,
      eventId: id,
      timestamp: expect.stringMatching(ISO),
    });
    expect(of(stream, known)[0]?.text).toMatch(/"price":1\.20?,"bid":1\.10,"ask":1\.30,/);
    expect(of(stream, unknown)[0]?.data).toEqual({
      symbol: unknown,
      initializing: true,
      timestamp: expect.stringMatching(ISO),
      eventId: expect.stringMatching(ID),
    });
    await price(other, "9");
    const next = await price(known, "2.00", "4.00");
    const event = await stream.first("price:update", (data) => data["initializing"] === undefined);
    expect(event).toMatchObject({ id: next, data: { symbol: known, price: 3, eventId: next } });
    expect(event.text).toContain('"bid":2.00,"ask":4.00,');
    expect(stream.all("price:update")).toHaveLength(3);
  });

  it("that are none, or too many, are refused by name", async () => {
    for (const [query, word] of [
      ["a%20b", "a b"],
      ["A,%00", "no symbol"],
      ["x".repeat(65), "xxx"],
      ["*", "no symbol"],
      ["symbol:*", "no symbol"],
      ["1,2,3,4,5,6", "at most 5"],
    ] as const) {
      const answer = await read(server, `/api/stream/prices?symbols=${query}`, { bearer: null });
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: "Bad Request", message: expect.stringContaining(word), statusCode: 400 },
      ]);
    }
  });

  it("left out mean all, of the public tenant for strangers, and one's own for who signs in", async () => {
    const [common, own, foreign] = [fresh("C"), fresh("O"), fresh("F")];
    const tenantId = fresh("tenant");
    await price(common, "1");
    const stranger = await open();
    const mine = await open("", {}, await token({ tenantId }));
    await until(() => of(stranger, common).length === 1 && of(mine, common).length === 1);
    await price(own, "2", "2", tenantId);
    await price(foreign, "3", "3", fresh("tenant"));
    await price(common, "4");
    await until(() => of(stranger, common).length === 2 && of(mine, common).length === 2);
    expect(of(mine, own)).toHaveLength(1);
    for (const [stream, symbol] of [
      [stranger, own],
      [stranger, foreign],
      [mine, foreign],
    ] as const)
      expect(of(stream, symbol)).toEqual([]);
  });
});

describe("windows", () => {
  it("of 100 ms hold the newest of each symbol, and leave at most ten times a second", async () => {
    const symbols = Array.from({ length: 200 }, () => fresh("W"));
    const stream = await open();
    const bearer = await publisherToken();
    let last = 0;
    const beganAt = performance.now();
    const publisher = async () => {
      for (const end = performance.now() + 1200; performance.now() < end;) {
        const batch = Array.from({ length: 20 }, (_, each) => {
          last += 1;
          return bestPrice(symbols[(last + (each % 10)) % symbols.length] ?? "", `${last}`, `${last}`, { tenantid: "public" });
        });
        await publish(server.url, `[${batch.join()}]`, { bearer });
      }
    };
    await Promise.all(Array.from({ length: 8 }, publisher));
    const end = await price(symbols[0] ?? "", "1000000");
    await stream.first("price:update", (data) => data.eventId === end);
    const live = stream.all("price:update").filter(({ data }) => String(data["symbol"]).startsWith("W-"));
    const seconds = (performance.now() - beganAt) / 1000;
    expect(last, "prices that were published").toBeGreaterThan(live.length);
    for (const symbol of symbols) {
      const ids = of(stream, symbol).map(({ data }) => data.eventId);
      expect(ids).toEqual([...new Set(ids)].sort());
      // Each window has it once.
      expect(ids.length).toBeLessThanOrEqual(2 + seconds * 10);
    }
  });

  it("do not hold back the first price after a quiet while", async () => {
    // Once is enough: a busy machine may hold back what the server does not.
    await until(async () => {
      const symbol = fresh("Q");
      const stream = await open(`?symbols=${symbol}`);
      await until(() => of(stream, symbol).length === 1);
      await price(symbol, "5");
      const answered = performance.now();
      const { at } = await stream.first("price:update", (data) => data["price"] === 5);
      return at - answered < 50;
    });
  });
});

describe("who comes back", () => {
  it("is told the newest of each symbol that has moved, and nothing of the others", async () => {
    const [moved, still] = [fresh("M"), fresh("S")];
    await price(moved, "1");
    const id = await price(still, "1");
    await price(moved, "2");
    await price(moved, "3");
    const stream = await open(`?symbols=${moved},${still}`, { "Last-Event-ID": id });
    await until(() => of(stream, moved).length > 0, stream.text);
    expect(of(stream, moved).map(({ data }) => [data["price"], data["initializing"]])).toEqual([[3, undefined]]);
    await price(still, "2");
    await until(() => of(stream, still).length > 0, stream.text);
    expect(of(stream, still)).toHaveLength(1);
  });

  it("to all symbols is told of each that has moved", async () => {
    const [moved, another, still] = [fresh("M"), fresh("M"), fresh("S")];
    await price(moved, "1");
    const id = await price(still, "1");
    await price(another, "7", "7", "tenant");
    await price(moved, "2");
    const stream = await open("", { "Last-Event-ID": id }, await token());
    await until(() => of(stream, moved).length > 0 && of(stream, another).length > 0, stream.text);
    expect(stream.all("price:update").map(({ data }) => [data["symbol"], data["price"]])).toEqual([
      [another, 7],
      [moved, 2],
    ]);
    const next = await price(still, "5");
    expect((await stream.first("price:update", (data) => data["symbol"] === still)).id).toBe(next);
  });

  it("with an id that is unknown is told so, and everything anew", async () => {
    const symbol = fresh("R");
    await price(symbol, "1");
    const stream = await open(`?symbols=${symbol}&lastEventId=1735819800000-abc123def`);
    await until(() => of(stream, symbol).length === 1);
    expect(stream.names()).toEqual(["connected", "resync", "price:update"]);
    expect(stream.all("resync")[0]?.data).toMatchObject({ reason: "unknown" });
    expect(of(stream, symbol)[0]?.data).toMatchObject({ initializing: true, price: 1 });
  });
});
