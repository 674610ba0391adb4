import { describe, expect, it } from "vitest";
import { Publisher } from "./publisher.ts";

type Answer = Response | Error;

/** A publisher whose server gives these answers one after the other, the last one for ever. */
function setUp(...answers: readonly Answer[]) {
  const requests: { url: string; init: RequestInit | undefined }[] = [];
  const waits: number[] = [];
  const troubles: string[] = [];
  const state = { isStopped: false };
  const publisher = new Publisher({
    url: "http://server",
    token: "secret",
    fetch: async (url, init) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)];
      requests.push({ url: url instanceof Request ? url.url : String(url), init });
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no answer");
      return answer.clone();
    },
    wait: async (ms) => {
      waits.push(ms);
    },
    random: () => 1,
    isStopped: () => state.isStopped,
    onTrouble: (message) => troubles.push(message),
  });
  return { publisher, requests, waits, troubles, state };
}

const ok = () => new Response('{"accepted":2}');
const unavailable = (headers: Record<string, string> = {}) => new Response("", { status: 503, headers });

describe("the demo's publisher", () => {
  it("sends lines of NDJSON in one request, as any service would", async () => {
    const { publisher, requests, waits, troubles } = setUp(ok());
    await publisher.publish(['{"a":1.10}', '{"b":2}']);
    expect(requests).toEqual([
      {
        url: "http://server/api/v1/events",
        init: {
          method: "POST",
          headers: { authorization: "Bearer secret", "content-type": "application/x-ndjson" },
          body: '{"a":1.10}\n{"b":2}',
        },
      },
    ]);
    expect([waits, troubles]).toEqual([[], []]);
  });

  it("tries the same again while the server is away, at growing distances, and complains once", async () => {
    const { publisher, requests, waits, troubles } = setUp(new Error("refused"), unavailable(), ok());
    await publisher.publish(["x"]);
    expect(requests.map(({ init }) => init?.body)).toEqual(["x", "x", "x"]);
    expect(waits).toEqual([200, 400]);
    expect(troubles).toEqual(["the server does not take events (refused); trying again"]);
  });

  it("comes back when the server says", async () => {
    const { publisher, waits } = setUp(
      unavailable({ "retry-after": "3" }),
      new Response("", { status: 429, headers: { "retry-after": "7" } }),
      ok(),
    );
    await publisher.publish(["x"]);
    expect(waits).toEqual([3000, 7000]);
  });

  it("gives up what has become old, and never waits longer than it should by itself", async () => {
    const { publisher, requests, waits } = setUp(new Error("refused"));
    await publisher.publish(["x"]);
    expect(requests).toHaveLength(6);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5000);
  });

  it("does not go on when it is stopped", async () => {
    const { publisher, requests, state } = setUp(ok());
    state.isStopped = true;
    await publisher.publish(["x"]);
    expect(requests).toEqual([]);
  });

  it.each([400, 401, 403, 413, 422])("takes a refusal (%i) for a mistake of its own, and tells what the server said", async (status) => {
    const { publisher, requests } = setUp(new Response("event 3, data.bid: must be a number", { status }));
    await expect(publisher.publish(["x"])).rejects.toThrow(/must be a number/);
    expect(requests).toHaveLength(1);
  });

  it("tells which lines were at fault, where the server says so", async () => {
    const refusal = (text: string, status = 422) => setUp(new Response(text, { status })).publisher.publish(["x"]);
    await expect(refusal('{"errors":[{"index":3},{"index":5}]}')).rejects.toMatchObject({ lines: new Set([3, 5]) });
    for (const [text, status] of [
      ["no JSON", 422],
      ["{}", 422],
      ['{"errors":[{"index":3}]}', 401],
    ] as const)
      await expect(refusal(text, status)).rejects.toMatchObject({ lines: new Set() });
  });
});
