/** The HTTP API's own document: that it is one, that it tells of what is served and of nothing else, and that answers are as it says. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { catalogue } from "@broadtape/protocol/catalogue";
import { OPERATIONS } from "../../packages/server/src/transports/http/openapi/operations.ts";
import { type TestServer, bestPrice, publisherToken, startTestServer, token } from "./server.ts";

interface Media {
  readonly schema: z.core.JSONSchema.JSONSchema;
  readonly example?: unknown;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, z.core.JSONSchema.JSONSchema>> };
}

interface Published {
  readonly results: readonly { readonly eventId: string }[];
}

let server: TestServer;
let text: string;
/** With every reference in its place. */
let document: Document;
beforeAll(async () => {
  // With the demo, which serves the most.
  server = await startTestServer({ env: { BROADTAPE_DEMO: "on", BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000" } });
  const answer = await fetch(`${server.url}/api/v1/openapi.json`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
  text = await answer.text();
  document = await validated(text);
});
afterAll(() => server.remove());

async function validated(json: string): Promise<Document> {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(json) as Record<string, unknown>);
  expect({ valid, errors, version: validator.version }).toEqual({ valid: true, errors: undefined, version: "3.1" });
  return validator.resolveRefs() as unknown as Document;
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

describe("the document", () => {
  it("is valid OpenAPI 3.1, and each operation has a name of its own, a summary and an answer", () => {
    const names = operations().map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { operation } of operations()) {
      expect(operation.summary).not.toBe("");
      expect(Object.keys(operation.responses)).not.toEqual([]);
    }
  });

  it("tells of every route that is served", () => {
    expect(operations().filter(({ operation: { tags } }) => tags.includes("Other"))).toEqual([]);
  });

  it("tells of no route that is not served", async () => {
    const authorization = `Bearer ${await publisherToken()}`;
    for (const [path, methods] of Object.entries(document.paths)) {
      const url = `${server.url}${path.replace("{topic}", "symbol:A").replace(/\{\w+\}/g, "none")}`;
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        const abort = new AbortController();
        const answer = await fetch(url, { method, headers: { authorization }, signal: abort.signal });
        const isServed = answer.status !== 404 || !(await answer.text()).includes("no such resource");
        abort.abort();
        expect({ path, method, isServed }).toEqual({ path, method, isServed: method.toLowerCase() in methods });
      }
    }
  });

  it("leaves out nothing that was described", () => {
    const described = Object.entries(OPERATIONS).flatMap(([route, operation]) =>
      "under" in operation ? Object.keys(operation.under).map((path) => `GET ${path}`) : [route.replace(/:(\w+)/g, "{$1}")],
    );
    expect(operations().map(({ path, method }) => `${method} ${path}`)).toEqual(expect.arrayContaining(described));
  });

  it("leaves out the demo where there is none", async () => {
    const plain = await startTestServer();
    try {
      const { paths } = await validated(await (await fetch(`${plain.url}/api/v1/openapi.json`)).text());
      const own = Object.keys(document.paths).filter((path) => !path.startsWith("/api/demo/"));
      expect(Object.keys(paths)).toEqual(own);
    } finally {
      await plain.remove();
    }
  });

  it("holds every type of the catalogue, and lets those be published that are not the server's own", () => {
    const { schemas } = document.components;
    for (const [type, entry] of Object.entries(catalogue)) {
      expect(schemas[type]).toMatchObject({ description: entry.description });
      expect(Object.hasOwn(schemas, `event.${type}`)).toBe(!("internal" in entry));
    }
  });

  it("tells of all refusals in one form", () => {
    for (const { operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) >= 400) expect(content?.["application/json"]?.schema).toEqual(document.components.schemas["HttpError"]);
      }
    }
  });

  it("gives examples that are as it says", () => {
    const examples = operations().flatMap(({ operation }) => Object.values(operation.requestBody?.content ?? {}));
    const given = examples.filter(({ example }) => example !== undefined);
    expect(given.length).toBeGreaterThan(3);
    for (const { schema, example } of given) expect(z.fromJSONSchema(schema).safeParse(example)).toMatchObject({ success: true });
  });
});

/** Asks as the document tells, and holds the answer against it. */
async function ask(operation: string, path: string, { bearer, body }: { bearer?: string; body?: unknown } = {}): Promise<unknown> {
  const [method = "", template = ""] = operation.split(" ");
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const said = document.paths[template]?.[method.toLowerCase()]?.responses[String(answer.status)];
  expect({ operation, status: answer.status, isSaid: said !== undefined }).toEqual({ operation, status: answer.status, isSaid: true });
  const came = await answer.text();
  const media = said?.content?.[answer.headers.get("content-type")?.split(";", 1)[0] ?? ""];
  if (media === undefined) {
    expect(came).toBe("");
    return answer.status;
  }
  if (media.schema.type === "string") return answer.status;
  const checked = z.fromJSONSchema(media.schema).safeParse(JSON.parse(came));
  expect({ operation, came, error: checked.error?.issues }).toEqual({ operation, came, error: undefined });
  return answer.status === 201 || answer.status === 200 ? JSON.parse(came) : answer.status;
}

describe("answers are as it says", () => {
  it("of publishing and history", async () => {
    const bearer = await publisherToken();
    const events = ["POST /api/v1/events", "/api/v1/events"] as const;
    const published = (await ask(...events, { bearer, body: bestPrice("OPEN", "1.10", "1.20") })) as Published;
    const media = document.paths["/api/v1/events"]?.["post"]?.requestBody?.content["application/json"];
    expect(await ask(...events, { bearer, body: media?.example })).toMatchObject({ accepted: 1 });
    expect(await ask(...events, { bearer, body: { type: "rfq.created", data: {} } })).toBe(422);
    expect(await ask(...events, { bearer, body: "{" })).toBe(400);
    expect(await ask(...events, { bearer: await token(), body: {} })).toBe(403);
    expect(await ask(...events, { body: {} })).toBe(401);
    expect(await ask(...events, { bearer, body: " ".repeat(1_100_000) })).toBe(413);
    const [page, snapshot] = ["/api/v1/topics/{topic}/events", "/api/v1/topics/{topic}/snapshot"];
    const reader = await token();
    expect(await ask(`GET ${page}`, "/api/v1/topics/symbol:OPEN/events", { bearer: reader })).toMatchObject({ complete: true });
    expect(await ask(`GET ${page}`, "/api/v1/topics/symbol:OPEN/events?after=1-000000000", { bearer: reader })).toHaveProperty("resync");
    expect(await ask(`GET ${page}`, "/api/v1/topics/symbol:OPEN/events?limit=x", { bearer: reader })).toBe(400);
    expect(await ask(`GET ${page}`, "/api/v1/topics/trader:other/events", { bearer: reader })).toBe(403);
    expect(await ask(`GET ${snapshot}`, "/api/v1/topics/symbol:OPEN/snapshot", { bearer: reader })).toHaveProperty("state");
    const at = published.results[0]?.eventId ?? "";
    expect(await ask(`GET ${snapshot}`, `/api/v1/topics/symbol:OPEN/snapshot?at=${at}`, { bearer: reader })).toHaveProperty("cut", at);
  });

  it("of subscriptions and connections", async () => {
    const bearer = await token({ sub: "reader" });
    const all = "/api/v1/subscriptions";
    const example = document.paths[all]?.["post"]?.requestBody?.content["application/json"]?.example;
    const { id } = (await ask(`POST ${all}`, all, { bearer, body: example })) as { id: string };
    const one = [`${all}/{id}`, `${all}/${id}`] as const;
    expect(await ask(`POST ${all}`, all, { bearer, body: example })).toHaveProperty("id", id);
    expect(await ask(`POST ${all}`, all, { bearer, body: { events: [] } })).toBe(400);
    expect(await ask(`GET ${all}`, all, { bearer })).toHaveProperty("subscriptions.length", 1);
    expect(await ask(`GET ${one[0]}`, one[1], { bearer })).toHaveProperty("id", id);
    expect(await ask(`PATCH ${one[0]}`, one[1], { bearer, body: { filters: {} } })).toHaveProperty("filters", {});
    expect(await ask(`DELETE ${one[0]}`, one[1], { bearer })).toBe(204);
    expect(await ask(`DELETE ${one[0]}`, one[1], { bearer })).toBe(404);
    const stream = await fetch(`${server.url}/api/v1/stream?clientId=tab`, { headers: { authorization: `Bearer ${bearer}` } });
    const listed = (await ask("GET /api/v1/connections", "/api/v1/connections", { bearer })) as { connections: { id: string }[] };
    const [connection] = listed.connections;
    const commands = `/api/v1/stream/${connection?.id}/commands`;
    const command = { type: "subscribe", topics: ["symbol:OPEN"] };
    expect(await ask("POST /api/v1/stream/{connectionId}/commands", commands, { bearer, body: command })).toBe(202);
    expect(await ask("DELETE /api/v1/connections/{id}", `/api/v1/connections/${connection?.id}`, { bearer })).toBe(204);
    expect(await stream.text()).toMatch(/event: error\ndata: .*"FORBIDDEN".*[^]*event: closing\ndata: .*"reconnect":false/);
    expect(await ask("DELETE /api/v1/connections/{id}", "/api/v1/connections/none", { bearer })).toBe(404);
  });

  it("of operations and the catalogue", async () => {
    const bearer = await token({ sub: "op", permissions: ["stream:admin"] });
    const publisher = await publisherToken();
    const event = {
      type: "fraud.alert",
      data: { userId: "op", alert: { transactionId: "t", riskScore: 1, reason: "r", action: "BLOCK" } },
    };
    const published = (await ask("POST /api/v1/events", "/api/v1/events", { bearer: publisher, body: event })) as Published;
    await ask("POST /api/v1/events", "/api/v1/events", { bearer: publisher, body: { type: "fraud.alert", data: {} } });
    const eventId = published.results[0]?.eventId ?? "";
    const root = "/api/v1/operations";
    for (const path of [root, ...["history", "latency", "topics", "refusals", "limits", "tail"].map((each) => `${root}/${each}`)]) {
      expect(await ask(`GET ${path}`, path, { bearer })).toBeTypeOf("object");
      expect(await ask(`GET ${path}`, path, { bearer: publisher })).toBe(403);
    }
    const way = (await ask(`GET ${root}/events/{eventId}`, `${root}/events/${eventId}`, { bearer })) as {
      event: { correlationId: string };
    };
    expect(await ask(`GET ${root}/events/{eventId}`, `${root}/events/none`, { bearer })).toBe(404);
    const { correlationId } = way.event;
    expect(await ask(`GET ${root}/events`, `${root}/events?correlationId=${correlationId}`, { bearer })).toHaveProperty("ways.length", 1);
    expect(await ask("GET /api/v1/catalogue", "/api/v1/catalogue", { bearer })).toHaveProperty("topics");
    expect(await ask("GET /api/v1/notices", "/api/v1/notices", { bearer })).toHaveProperty("notices");
  });

  it("of everything else", async () => {
    for (const path of ["/healthz", "/livez", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/demo/users"])
      await ask(`GET ${path}`, path);
    expect(await ask("POST /api/session", "/api/session", { bearer: await token() })).toHaveProperty("expiresAt");
    expect(await ask("DELETE /api/session", "/api/session")).toBe(401);
    expect(await ask("POST /api/demo/session", "/api/demo/session", { body: {} })).toHaveProperty("token");
    expect(await ask("POST /api/demo/session", "/api/demo/session", { body: { user: "nobody" } })).toBe(400);
    expect(await ask("POST /api/demo/cut", "/api/demo/cut")).toBe(401);
    expect(await ask("POST /api/demo/cut", "/api/demo/cut", { bearer: await token({ sub: "nobody" }) })).toEqual({ connections: 0 });
    for (const path of ["/market-data/stream", "/api/v1/sse/transactions", "/api/v1/stream"]) {
      expect(await ask(`GET ${path}`, path)).toBe(401);
    }
    expect(await ask("GET /market-data/stream", "/market-data/stream", { bearer: await token() })).toBe(400);
  });
});
