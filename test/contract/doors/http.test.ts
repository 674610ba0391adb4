/** Arbitrary JSON and bytes at every HTTP door: the contract's error, nothing changed, the server as well as before. */
import { request } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestServer, bestPrice, publisherToken, startTestServer, token } from "../server.ts";
import { anyBytes, anyHeader, anyJson, anyText, expectUnhurt, mutated, newestOffset, run } from "./door.ts";

let server: TestServer;
let publisher: string;
let reader: string;
let before: number;
beforeAll(async () => {
  server = await startTestServer();
  publisher = await publisherToken();
  reader = await token();
});
beforeEach(async () => {
  before = await newestOffset(server);
});
afterAll(() => server.remove());

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request as it is, without what a well-behaved client would put right. A stream is read until its first bytes. */
function send(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: Uint8Array): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      let text = "";
      const end = () => {
        response.destroy();
        resolve({ status: response.statusCode ?? 0, text });
      };
      response.on("data", (data: Buffer) => {
        text += data.toString();
        if (String(response.headers["content-type"]).startsWith("text/event-stream")) end();
      });
      response.on("end", end);
      if (String(response.headers["content-type"]).startsWith("text/event-stream")) response.once("readable", () => undefined);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The body of every refusal (contract 00-common "Errors"). */
function expectRefusal({ status, text }: Answer, ...allowed: number[]): void {
  expect({ status, text }).toMatchObject({ status: expect.toSatisfy((each: number) => allowed.includes(each)) });
  const body = JSON.parse(text) as Record<string, unknown>;
  expect(body).toMatchObject({ error: expect.any(String), message: expect.any(String), statusCode: status });
}

const TYPES = ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "application/x-ndjson"];
const event = JSON.parse(bestPrice("EUR/USD", "1.1", "1.2")) as { type: string; data: object };

describe("POST /api/v1/events", () => {
  const post = (type: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
    send("POST", "/api/v1/events", { authorization: `Bearer ${publisher}`, "content-type": type, ...headers }, body);

  it.each(TYPES)("takes no bytes for an event: %s", async (type) => {
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => {
        expectRefusal(await post(type, bytes), 400, 422);
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });

  it.each(TYPES)("takes no JSON for an event that is none: %s", async (type) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyJson, fc.array(anyJson, { minLength: 1, maxLength: 5 })), async (value) => {
        expectRefusal(await post(type, Buffer.from(JSON.stringify(value))), 400, 422);
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });

  it("refuses an envelope or data that is wrong in one place, whole batch and all", async () => {
    const wrong = fc.oneof(
      mutated({ ...event, source: 5 }),
      mutated(event.data).map((data) => ({ ...event, data, id: 5 })),
    );
    await fc.assert(
      fc.asyncProperty(wrong, fc.nat(3), async (bad, at) => {
        const batch: unknown[] = [event, event, event];
        batch.splice(at, 0, bad, { ...event, type: "no such type" });
        const answer = await post("application/json", Buffer.from(JSON.stringify(batch)));
        expectRefusal(answer, 422);
        expect((JSON.parse(answer.text) as { errors: unknown[] }).errors.length).toBeGreaterThan(0);
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });

  it("refuses attributes in headers that make no event", async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, anyBytes, async (value, bytes) => {
        const headers = { "ce-type": value, "ce-source": value, "ce-id": value, "x-correlation-id": value };
        const { status } = await post("text/plain", bytes, headers);
        expect([400, 415, 422]).toContain(status);
      }),
      run(100),
    );
    await expectUnhurt(server, before);
  });
});

describe("credentials", () => {
  it("that are none are refused, and nobody is told more", async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, fc.constantFrom("authorization", "cookie"), async (value, name) => {
        const text = name === "cookie" ? `broadtape_session=${value}` : `Bearer ${value}`;
        expectRefusal(await send("POST", "/api/v1/events", { [name]: text, "content-type": "application/json" }, Buffer.from("[]")), 401);
        const query = `token=${encodeURIComponent(value)}`;
        const { status } = await send("GET", `/api/v1/stream?topics=symbol:A&${query}`);
        expect([400, 401, 429]).toContain(status);
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });

  it("of three parts that are no token are refused", async () => {
    const part = fc.oneof(
      fc.base64String({ maxLength: 80 }),
      anyJson.map((value) => Buffer.from(JSON.stringify(value)).toString("base64url")),
    );
    await fc.assert(
      fc.asyncProperty(part, part, part, async (...parts) => {
        const authorization = `Bearer ${parts.join(".")}`;
        expectRefusal(await send("GET", "/api/v1/topics/symbol:A/events", { authorization }), 401);
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });
});

describe("queries, paths and cursors", () => {
  const query = fc
    .dictionary(fc.constantFrom("after", "limit", "until", "at", "topics", "symbols", "maxUpdatesPerSecond", "filters"), anyText, {
      minKeys: 1,
    })
    .map((values) =>
      Object.entries(values)
        .map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`)
        .join("&"),
    );

  it.each(["/api/v1/topics/symbol:A/events", "/api/v1/topics/symbol:A/snapshot", "/api/v1/stream", "/market-data/stream"])(
    "are answered, whatever they say: %s",
    async (path) => {
      await fc.assert(
        fc.asyncProperty(query, async (text) => {
          const answer = await send("GET", `${path}?${text}`, { authorization: `Bearer ${reader}` });
          expect(answer.status).toBeLessThan(500);
          if (answer.status >= 400) expectRefusal(answer, 400, 403, 404, 410, 422, 429);
        }),
        run(200),
      );
      await expectUnhurt(server, before);
    },
  );

  it("that are no path are answered 400 or 404", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"), async (text, method) => {
        const path = `/api/v1/none-${encodeURIComponent(text.toWellFormed())}/x`;
        const { status } = await send(method, path, { authorization: `Bearer ${reader}` });
        expect([204, 400, 404, 405]).toContain(status);
      }),
      run(200),
    );
    await expectUnhurt(server, before);
  });

  it("in Last-Event-ID are survived, of any bytes and length", async () => {
    const id = fc.oneof(
      anyHeader,
      fc.nat(8000).map((length) => "9".repeat(length)),
      fc.constant("1735819800000-zzzzzzzzzzzzzz"),
    );
    await fc.assert(
      fc.asyncProperty(id, async (value) => {
        const headers = { authorization: `Bearer ${reader}`, "last-event-id": value };
        const { status, text } = await send("GET", "/market-data/stream?symbols=NEWEST".replace("NEWEST", "WELL0"), headers);
        expect({ status, text }).toMatchObject({ status: 200 });
      }),
      run(100),
    );
    await expectUnhurt(server, before);
  });
});

describe("POST /api/v1/stream/{connectionId}/commands", () => {
  it("refuses what is no command, and strangers' connections without telling whether they exist", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyBytes,
          anyJson.map((value) => Buffer.from(JSON.stringify(value))),
        ),
        anyText,
        async (body, id) => {
          const path = `/api/v1/stream/${encodeURIComponent(id.toWellFormed()) || "x"}/commands`;
          const answer = await send("POST", path, { authorization: `Bearer ${reader}`, "content-type": "application/json" }, body);
          expectRefusal(answer, 400, 404);
        },
      ),
      run(200),
    );
    await expectUnhurt(server, before);
  });
});
