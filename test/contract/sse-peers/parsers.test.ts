/** WHATWG HTML 9.2 as others have written it: npm's `eventsource` (eventsource-parser) and Node's own (undici) read the seven streams alike. */
import { type ChildProcess, fork } from "node:child_process";
import { EventSource } from "eventsource";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token, until } from "../server.ts";
import { type ByteStream, openBytes } from "./byte-stream.ts";
import { type ReadEvent, readEvents } from "./read-events.ts";
import { type Replay, openReplay } from "./replay.ts";
import { NASTY, type Scene, type SceneTexts, sceneOf } from "./scene.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

let server: TestServer;
let replay: Replay;
let node: ChildProcess;
beforeAll(async () => {
  server = await startTestServer();
  replay = await openReplay();
  const fixture = new URL("fixture-node-event-source.ts", import.meta.url);
  node = fork(fixture, { execArgv: ["--experimental-eventsource", "--no-warnings"], env: { PATH: process.env["PATH"] } });
});
afterAll(async () => {
  node.kill();
  replay.close();
  await server.remove();
});

function readByNode(url: string): Promise<readonly ReadEvent[]> {
  return new Promise((resolve) => {
    const hear = (answer: unknown) => {
      const { url: of, events } = answer as { readonly url: string; readonly events: readonly ReadEvent[] };
      if (of !== url) return;
      node.off("message", hear);
      resolve(events);
    };
    node.on("message", hear);
    node.send(url);
  });
}

const tell = async (events: readonly object[]) => {
  const { status, text } = await publish(server.url, events);
  expect({ status, text }).toMatchObject({ status: 200 });
};

let users = 0;

interface Recorded {
  readonly path: string;
  readonly scene: Scene;
  readonly stream: ByteStream;
}

/** All streams of a user of its own, from `connected` to the end of its session. */
async function record(texts: SceneTexts, encoding: "identity" | "gzip"): Promise<readonly Recorded[]> {
  const user = `USER${++users}-${encoding}`;
  const scene = sceneOf(user, texts);
  await tell([scene.first]);
  const authorization = `Bearer ${await token({ sub: user })}`;
  const opened = await fetch(`${server.url}/api/session`, { method: "POST", headers: { authorization } });
  const cookie = /session=[^;]+/.exec(opened.headers.get("set-cookie") ?? "")?.[0] ?? "";
  const recorded: Recorded[] = [];
  for (const path of scene.told.keys()) {
    const query = path.includes("?") ? "&replay=none" : "?replay=none";
    const stream = await openBytes(`${server.url}${path}${query}`, { headers: { cookie, "accept-encoding": encoding } });
    expect([stream.status, stream.headers["content-encoding"]]).toEqual([200, encoding === "gzip" ? "gzip" : undefined]);
    recorded.push({ path, scene, stream });
  }
  await tell(scene.events);
  for (const { stream, path } of recorded) {
    await stream.has("event: agent:status");
    // In a window of its own.
    if (path.includes("/prices")) await until(() => stream.text().includes('"price":2'), stream.text);
  }
  expect((await fetch(`${server.url}/api/session`, { method: "DELETE", headers: { cookie } })).status).toBe(204);
  for (const { stream } of recorded) await stream.ended;
  return recorded;
}

/** What was published, out of what was read, by event name. */
function publishedOf(events: readonly ReadEvent[]): Map<string, Record<string, unknown>[]> {
  const bodies = new Map<string, Record<string, unknown>[]>();
  for (const { type, data } of events) {
    const body = JSON.parse(data) as Record<string, unknown>;
    if (body["snapshot"] !== true && body["initializing"] !== true) bodies.set(type, [...(bodies.get(type) ?? []), body]);
  }
  return bodies;
}

async function check({ path, scene, stream }: Recorded, sizes: readonly number[]): Promise<void> {
  const url = replay.add({ contentEncoding: stream.headers["content-encoding"]?.toString(), bytes: stream.bytes() }, sizes);
  const [byNode, byNpm] = await Promise.all([readByNode(url), readEvents(new EventSource(url))]);
  expect(byNode).toEqual(byNpm);
  const published = publishedOf(byNpm);
  const told = scene.told.get(path) ?? [];
  const names = new Set(told.map(({ name }) => name));
  expect(new Set([...names, "connected", "error"])).toEqual(new Set(byNpm.map(({ type }) => type)));
  for (const name of names) {
    const wanted = told.filter((each) => each.name === name).map(({ body }) => JSON.parse(JSON.stringify(body)) as object);
    const found = published.get(name) ?? [];
    expect(found.map((body, at) => pick(body, Object.keys(wanted[at] ?? {})))).toEqual(wanted);
  }
  for (const { data, lastEventId } of byNpm) {
    const { eventId, snapshot, initializing } = JSON.parse(data) as { eventId?: string; snapshot?: boolean; initializing?: boolean };
    if (eventId !== undefined && snapshot !== true && initializing !== true) expect(lastEventId).toBe(eventId);
  }
}

const pick = (body: Record<string, unknown>, keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, body[key]]));

const nasty = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.array(fc.constantFrom(...NASTY), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", minLength: 1, maxLength: 80 }),
);
const long = fc.oneof(
  nasty,
  nasty.map((text) => text.repeat(Math.ceil(60_000 / text.length))),
);
const texts: fc.Arbitrary<SceneTexts> = fc.record({
  texts: fc.tuple(nasty, nasty, nasty, nasty, nasty, nasty),
  details: fc.dictionary(nasty, fc.oneof(nasty, fc.jsonValue({ maxDepth: 2 })), { maxKeys: 3 }),
  long,
});
const sizes = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 8 });

it.each(["identity", "gzip"] as const)(
  "read alike, and as it was published, whatever it is and wherever it is cut: %s",
  async (encoding) => {
    await fc.assert(
      fc.asyncProperty(texts, sizes, async (published, cuts) => {
        for (const each of await record(published, encoding)) await check(each, cuts);
      }),
      { seed, numRuns: 15, endOnFailure: true },
    );
  },
);
