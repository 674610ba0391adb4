import { describe, expect, it } from "vitest";
import { deskApp } from "./http.ts";
import { recordedDesk } from "./recorded-desk.ts";

const order = { symbol: "EURUSD", side: "buy", quantity: "1000000.00", seconds: 30 };
const ada = { "x-broadtape-secret": "secret", "x-broadtape-user": "ada", "x-broadtape-tenant": "demo-bank" };

function setUp() {
  const desk = recordedDesk();
  const app = deskApp(desk.desk, "secret");
  const post = async (url: string, body?: unknown, headers: Record<string, string> = ada) => {
    const payload = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const type = payload === undefined ? {} : { "content-type": "application/json" };
    const answer = await app.inject({ method: "POST", url, headers: { ...headers, ...type }, ...(payload !== undefined && { payload }) });
    return { status: answer.statusCode, text: answer.body, headers: answer.headers, body: answer.json<Record<string, string>>() };
  };
  return { ...desk, post };
}

describe("the desk over HTTP", () => {
  it("takes an RFQ, deals at the best quote with the price's digits, and answers a second click with 409", async () => {
    const { post, clock } = setUp();
    const { status, body } = await post("/rfqs", order);
    expect([status, Object.keys(body)]).toEqual([201, ["rfqId"]]);
    await clock.pass(3000);
    const filled = await post(`/rfqs/${body["rfqId"]}/accept`, {});
    expect([filled.status, filled.text]).toEqual([
      200,
      expect.stringMatching(/^\{"tradeId":"trade-run-\w+","price":1\.39\d{3},"quantity":1000000\}$/),
    ]);
    const again = await post(`/rfqs/${body["rfqId"]}/accept`);
    expect([again.status, again.body]).toEqual([409, { error: "Conflict", message: "the RFQ is filled", statusCode: 409 }]);
  });

  it("cancels, for the trader whom the proxy names", async () => {
    const { post } = setUp();
    const { rfqId } = (await post("/rfqs", order)).body;
    expect((await post(`/rfqs/${rfqId}/cancel`, undefined, { ...ada, "x-broadtape-user": "ben" })).status).toBe(404);
    expect((await post(`/rfqs/${rfqId}/cancel`)).status).toBe(200);
    expect((await post(`/rfqs/${rfqId}/cancel`)).status).toBe(409);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", undefined],
    ["null", "null"],
    ["no side", { ...order, side: "both" }],
    ["no quantity", { ...order, quantity: "1e9" }],
    ["no time", { ...order, seconds: "30" }],
    ["an unknown symbol", { ...order, symbol: "XYZ" }],
  ])("answers %s with 400", async (_name, body) => {
    const { post, events } = setUp();
    const answer = await post("/rfqs", body);
    expect([answer.status, answer.body]).toEqual([400, { error: "Bad Request", message: expect.any(String), statusCode: 400 }]);
    expect(events).toEqual([]);
  });

  it.each([
    ["without a name", { "x-broadtape-secret": "secret" }],
    ["with a name that is no user id", { ...ada, "x-broadtape-user": "a%20b" }],
    ["with a name that is wrongly escaped", { ...ada, "x-broadtape-user": "%" }],
  ])("does not deal with a trader %s", async (_name, headers) => {
    expect((await setUp().post("/rfqs", order, headers)).status).toBe(400);
  });

  it("hears only who knows the secret", async () => {
    const { post, events } = setUp();
    for (const secret of ["", "secre", "secret2", "SECRET"])
      expect((await post("/rfqs", order, { ...ada, "x-broadtape-secret": secret })).status).toBe(403);
    expect(events).toEqual([]);
  });

  it("answers 429 and 503 with when to come again, 413 to a body of any size, 404 elsewhere", async () => {
    const { post, server } = setUp();
    for (let n = 0; n < 20; n++) expect((await post("/rfqs", order)).status).toBe(201);
    const full = await post("/rfqs", order);
    expect([full.status, full.headers["retry-after"]]).toEqual([429, "1"]);
    server.isBehind = true;
    const away = await post("/rfqs", order);
    expect([away.status, away.headers["retry-after"]]).toEqual([503, "1"]);
    expect((await post("/rfqs", " ".repeat(20_000))).status).toBe(413);
    expect((await post("/elsewhere", order)).status).toBe(404);
  });
});
