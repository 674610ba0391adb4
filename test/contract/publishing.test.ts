/** Contract 00-common "Publishing", 70-details "NDJSON, batches", "digits". */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publish, publisherToken, startTestServer, token } from "./server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());

const quote = (symbol = "PUB", more: object = {}) => ({
  type: "market-data.quote",
  data: { symbol, source: "A", bid: 1, ask: 2, timestamp: 1 },
  ...more,
});

describe("takes events", () => {
  it.each([
    ["application/json", JSON.stringify(quote())],
    ["application/json; charset=utf-8", JSON.stringify([quote(), quote()])],
    ["application/cloudevents+json", JSON.stringify({ specversion: "1.0", ...quote() })],
    ["application/cloudevents-batch+json", JSON.stringify([{ specversion: "1.0", ...quote() }])],
    ["application/x-ndjson", `${JSON.stringify(quote())}\n\n${JSON.stringify(quote())}\r\n`],
  ])("as %s", async (type, body) => {
    const answer = await publish(server.url, body, { type });
    expect(answer.status).toBe(200);
    expect(answer.body.accepted).toBe(answer.body.results.length);
    for (const result of answer.body.results) {
      expect(result).toEqual({
        id: expect.any(String),
        eventId: expect.stringMatching(/^\d+-[0-9a-z]{9,}$/),
        offset: expect.any(Number),
        duplicate: false,
      });
    }
  });

  it("stores the same source and id once, and answers with the first one's offset", async () => {
    const first = await publish(server.url, quote("DUP", { id: "one", source: "s" }));
    const again = await publish(server.url, [
      quote("DUP", { id: "one", source: "s" }),
      quote("DUP", { id: "one", source: "t" }),
      quote("DUP", { id: "one", source: "t" }),
    ]);
    expect(again.body.results.map(({ duplicate }) => duplicate)).toEqual([true, false, true]);
    expect(again.body.results[0]?.offset).toBe(first.body.results[0]?.offset);
    expect(again.body.results[0]?.eventId).toBe(first.body.results[0]?.eventId);
    expect(again.body.results[2]?.offset).toBe(again.body.results[1]?.offset);
  });

  it("gives ids and offsets that grow", async () => {
    const { results } = (
      await publish(
        server.url,
        Array.from({ length: 40 }, () => quote()),
      )
    ).body;
    const ids = results.map(({ eventId }) => eventId);
    expect([...ids].sort()).toEqual(ids);
    expect(results.every(({ offset }, index) => index === 0 || offset === (results[index - 1]?.offset ?? 0) + 1)).toBe(true);
  });

  it("carries the request's correlation id", async () => {
    const answer = await publish(server.url, quote("COR"), { headers: { "X-Correlation-ID": "my-correlation" } });
    expect(answer.headers.get("x-correlation-id")).toBe("my-correlation");
    const history = await fetch(`${server.url}/api/v1/topics/symbol:COR/events`, { headers: { authorization: `Bearer ${await token()}` } });
    expect(await history.text()).toContain('"correlationId":"my-correlation"');
  });

  it("keeps every digit", async () => {
    await publish(server.url, bestPrice("DIG", "1.10", "12345678901234567890.12345"));
    const answer = await fetch(`${server.url}/api/v1/topics/symbol:DIG/snapshot`, {
      headers: { authorization: `Bearer ${await token()}` },
    });
    const text = await answer.text();
    expect(text).toContain('"price":1.10,"size":1000000.50');
    expect(text).toContain('"price":12345678901234567890.12345');
  });
});

describe("refuses, and stores nothing", () => {
  const head = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    return /^broadtape_log_head_offset (\d+)/m.exec(metrics)?.[1];
  };

  it.each([
    ["a body that is no JSON", 400, "application/json", "{nope"],
    ["an empty body", 400, "application/json", ""],
    ["bytes that are no UTF-8", 400, "application/json", new Uint8Array([0x22, 0xff, 0x22])],
    ["a line that is no JSON", 400, "application/x-ndjson", `${JSON.stringify(quote())}\n{nope`],
    ["another content type", 415, "text/plain", "{}"],
    ["an empty batch", 422, "application/json", "[]"],
    ["no lines", 422, "application/x-ndjson", "\n\n"],
    ["a number", 422, "application/json", "5"],
    ["null in a batch", 422, "application/json", "[null]"],
    ["no type", 422, "application/json", '{"data":{}}'],
    ["an unknown type", 422, "application/json", '{"type":"no.such","data":{}}'],
    [
      "a type of the server's own",
      422,
      "application/json",
      '{"type":"market-data.quote-stale","data":{"symbol":"A","source":"B","quoteOffset":1}}',
    ],
    ["no data", 422, "application/json", '{"type":"market-data.quote"}'],
    ["another specversion", 422, "application/json", JSON.stringify({ ...quote(), specversion: "0.3" })],
    ["binary data", 422, "application/json", JSON.stringify({ ...quote(), data_base64: "AA==" })],
    ["a time that is none", 422, "application/json", JSON.stringify({ ...quote(), time: "yesterday" })],
    ["a price that is text", 422, "application/json", bestPrice("A", '"1"', "2")],
    ["a number out of all bounds", 422, "application/json", bestPrice("A", "1e999999", "2")],
    ["a symbol that is none", 422, "application/json", bestPrice("A B", "1", "2")],
    ["a batch instead of one event", 422, "application/cloudevents+json", `[${JSON.stringify(quote())}]`],
    ["one event instead of a batch", 422, "application/cloudevents-batch+json", JSON.stringify(quote())],
  ])("%s: %i", async (_what, status, type, body) => {
    const before = await head();
    const answer = await publish(server.url, body, { type });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: expect.any(String), message: expect.any(String), statusCode: status });
    expect(answer.headers.get("x-correlation-id")).toBeTruthy();
    if (status === 422)
      expect(answer.body.errors[0]).toEqual({ index: expect.any(Number), path: expect.any(String), message: expect.any(String) });
    expect(await head()).toBe(before);
  });

  it("a whole batch for one bad event, naming it", async () => {
    const before = await head();
    const answer = await publish(server.url, [quote(), { ...quote(), data: { symbol: "A", source: "B", bid: "x", timestamp: 1 } }]);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ index: 1, path: "data.bid", message: expect.any(String) }]);
    expect(await head()).toBe(before);
  });

  it("names the line that is no JSON", async () => {
    expect((await publish(server.url, `${JSON.stringify(quote())}\nnope`, { type: "application/x-ndjson" })).text).toContain("line 2");
  });

  it("too large a body: 413", async () => {
    const answer = await publish(server.url, JSON.stringify(quote("A", { subject: "x".repeat(1_100_000) })));
    expect(answer.status).toBe(413);
    expect(answer.body.statusCode).toBe(413);
  });

  it("without a token: 401; with a bad one: 401; without the permission: 403; for another tenant: 403", async () => {
    const none = await fetch(`${server.url}/api/v1/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(none.status).toBe(401);
    expect(await none.json()).toMatchObject({ error: "Unauthorized", statusCode: 401 });
    expect((await publish(server.url, quote(), { bearer: "nonsense" })).status).toBe(401);
    expect((await publish(server.url, quote(), { bearer: await token() })).status).toBe(403);
    const own = await token({ permissions: ["events:publish"] });
    expect((await publish(server.url, quote("A", { tenantid: "other" }), { bearer: own })).status).toBe(403);
    expect((await publish(server.url, quote("A", { tenantid: "tenant" }), { bearer: own })).status).toBe(200);
    expect((await publish(server.url, quote("A", { tenantid: "other" }), { bearer: await publisherToken() })).status).toBe(200);
  });
});
