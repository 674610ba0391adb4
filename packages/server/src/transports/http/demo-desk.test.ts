import fastify from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { Refusal } from "@broadtape/protocol/errors";
import type { Gate } from "../gate.ts";
import { httpError, statusOf } from "../reason-phrase.ts";
import { type DemoDeskAddress, serveDemoDesk } from "./demo-desk.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const gate = {
  authenticate: async ({ headers }) => {
    if (headers.authorization === undefined) throw new Refusal("UNAUTHORIZED", "No valid session found");
    return {
      userId: "zoë",
      tenant: "demo-bank",
      permissions: new Set(),
      team: new Set(),
      name: undefined,
      expiresAt: 0,
      sessionId: undefined,
    };
  },
  verify: () => Promise.reject(new Error("not asked for")),
} satisfies Gate;

/** Bodies and refusals as in `app.ts`. */
function bareApp() {
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  app.setErrorHandler(async (error, _request, reply) => {
    if (!(error instanceof Refusal)) throw error;
    const { retryAfterMs } = error.details;
    if (retryAfterMs !== undefined) reply.header("Retry-After", String(retryAfterMs / 1000));
    return reply.code(statusOf(error.code)).send(httpError(statusOf(error.code), error.message));
  });
  return app;
}

interface Asked {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A server whose desk gives this answer. */
function setUp(answer: () => Response | Promise<Response>, desk: DemoDeskAddress | undefined = { url: "http://desk", secret: "s3" }) {
  const asked: Asked[] = [];
  const app = bareApp();
  closing.push(() => app.close());
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    asked.push({ url: request.url, headers: request.headers, body: await request.text() });
    return answer();
  };
  serveDemoDesk(app, { gate, desk: () => desk, fetch });
  const post = async (url: string, body?: string, headers: Record<string, string> = { authorization: "Bearer t" }) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const {
      statusCode,
      body: text,
      headers: told,
    } = await app.inject({
      method: "POST",
      url,
      headers: { ...headers, ...type },
      ...(body !== undefined && { payload: body }),
    });
    return { status: statusCode, text, retryAfter: told["retry-after"], type: told["content-type"] };
  };
  return { post, asked };
}

describe("the way to the demo's desk", () => {
  it("hands on what a trader asks, in the trader's name, and the answer as it is", async () => {
    const { post, asked } = setUp(() => new Response('{"rfqId":"r","quantity":1.10}', { status: 201 }));
    const answer = await post("/api/demo/rfqs", '{"quantity":1.10}');
    expect(answer).toMatchObject({ status: 201, text: '{"rfqId":"r","quantity":1.10}', type: "application/json; charset=utf-8" });
    expect(asked[0]).toMatchObject({ url: "http://desk/rfqs", body: '{"quantity":1.10}' });
    const names = ["x-broadtape-user", "x-broadtape-tenant", "x-broadtape-secret", "content-type", "authorization"];
    expect(names.map((name) => asked[0]?.headers.get(name))).toEqual(["zo%C3%AB", "demo-bank", "s3", "application/json", null]);
  });

  it("names no other path of the desk than the RFQ's own", async () => {
    const { post, asked } = setUp(() => new Response("{}"));
    await post("/api/demo/rfqs/rfq-1/accept", '{"quoteId":"q"}');
    await post("/api/demo/rfqs/rfq-1/cancel");
    await post("/api/demo/rfqs/a%2F..%2F%3Fb/cancel");
    expect(asked.map(({ url }) => url)).toEqual([
      "http://desk/rfqs/rfq-1/accept",
      "http://desk/rfqs/rfq-1/cancel",
      "http://desk/rfqs/a%2F..%2F%3Fb/cancel",
    ]);
    expect((await post("/api/demo/rfqs/rfq-1/delete")).status).toBe(404);
  });

  it("hands on nothing of whoever is not signed in, and nothing huge", async () => {
    const { post, asked } = setUp(() => new Response("{}"));
    expect((await post("/api/demo/rfqs", "{}", {})).status).toBe(401);
    expect((await post("/api/demo/rfqs", `"${"x".repeat(20_000)}"`)).status).toBe(413);
    expect(asked).toEqual([]);
  });

  it("says when to come again: where the desk says it, and where it is not there", async () => {
    const full = setUp(() => new Response("{}", { status: 429, headers: { "retry-after": "7" } }));
    expect(await full.post("/api/demo/rfqs", "{}")).toMatchObject({ status: 429, retryAfter: "7" });
    const gone = setUp(() => Promise.reject(new Error("refused")));
    expect(await gone.post("/api/demo/rfqs", "{}")).toMatchObject({
      status: 503,
      retryAfter: "1",
      text: JSON.stringify({ error: "Service Unavailable", message: "the dealing desk is not there", statusCode: 503 }),
    });
  });

  it("does not tell a trader of a secret that is wrong", async () => {
    const { post } = setUp(() => new Response("{}", { status: 403 }));
    expect((await post("/api/demo/rfqs", "{}")).status).toBe(502);
  });
});
