/** Publishing by NATS request and reply: HTTP's answers, whoever asks (contract 00-common "Publishing", decision 0009). */
import { connect, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NatsServer, startNats } from "../nats.ts";
import { type Cluster, startCluster } from "../postgres.ts";
import { type Answer, publish, publisherToken, type TestServer, startTestServer, token, until } from "./server.ts";

/** The nodes' account, one of services which see nothing of it, and one to which it offers publishing and nothing else. */
const ACCOUNTS = [
  "max_payload: 1200000",
  `accounts {
    NODES { users: [{ user: node, password: n }], exports: [{ service: "broadtape.publish" }] }
    GUESTS {
      users: [{ user: guest, password: g }]
      imports: [{ service: { account: NODES, subject: "broadtape.publish" } }]
    }
    SERVICES {
      users: [
        { user: door, password: d, permissions: { subscribe: "broadtape.publish broadtape", allow_responses: true } }
        { user: desk, password: s, permissions: { publish: "broadtape.publish", subscribe: "_INBOX_desk.>" } }
      ]
    }
  }`,
];

let nats: NatsServer;
let desk: NatsConnection;
/** Who asks. */
let service: NatsConnection;
const urlAs = (user: string) => nats.url.replace("//", `//${user}@`);
const connectAs = (user: string, pass: string) =>
  connect({ servers: nats.url, user, pass, inboxPrefix: `_INBOX_${user}`, reconnectTimeWait: 20, maxReconnectAttempts: -1 });

beforeAll(async () => {
  nats = await startNats(ACCOUNTS);
  desk = await connectAs("desk", "s");
  service = desk;
});
afterAll(async () => {
  await desk.close();
  await nats.remove();
});

interface Asked {
  readonly type?: string;
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** As `publish` asks over HTTP. */
async function ask(
  body: unknown,
  { type, bearer, headers: more = {}, timeoutMs = 90_000 }: Asked = {},
): Promise<Answer & { message: Msg }> {
  const own = headers();
  const given = {
    Authorization: `Bearer ${bearer ?? (await publisherToken())}`,
    ...(type !== undefined && { "Content-Type": type }),
    ...more,
  };
  for (const [name, value] of Object.entries(given)) if (value !== "") own.set(name, value);
  const payload = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const message = await service.request("broadtape.publish", payload, { timeout: timeoutMs, headers: own });
  const status = Number(message.headers?.get("Nats-Service-Error-Code") ?? "");
  const text = message.string();
  const answered = new Headers([...(message.headers ?? [])].map(([name, [value = ""]]) => [name, value]));
  return { message, status: status === 0 ? 200 : status, headers: answered, text, body: JSON.parse(text) as Answer["body"] };
}

const quote = (symbol = "PUB", more: object = {}) => ({
  type: "market-data.quote",
  data: { symbol, source: "A", bid: 1, ask: 2, timestamp: 1 },
  ...more,
});
/** No two of an answer are the same in it. */
const place = { eventId: expect.stringMatching(/^\d+-[0-9a-z]{9,}$/), offset: expect.any(Number), duplicate: false };

describe("one node", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ env: { BROADTAPE_NATS_PUBLISH_URL: urlAs("door:d") } });
    await answering();
  });
  afterAll(() => server.remove());

  it.each([
    ["no content type at all", undefined, JSON.stringify(quote())],
    ["application/json", "application/json; charset=utf-8", JSON.stringify([quote(), quote()])],
    ["one CloudEvent", "application/cloudevents+json", JSON.stringify({ specversion: "1.0", ...quote() })],
    ["a batch of them", "application/cloudevents-batch+json", JSON.stringify([{ specversion: "1.0", ...quote() }])],
    ["lines", "Application/X-NDJSON", `${JSON.stringify(quote())}\n\n${JSON.stringify(quote())}\r\n`],
  ])("takes events as %s", async (_what, type, body) => {
    const answer = await ask(body, type === undefined ? {} : { type });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.accepted).toBe(answer.body.results.length);
    for (const result of answer.body.results) expect(result).toEqual({ id: expect.any(String), ...place });
  });

  it("knows an id that came by either way, and keeps order and digits", async () => {
    const http = await publish(server.url, quote("WAY", { id: "one", source: "s" }));
    const again = await ask([quote("WAY", { id: "one", source: "s" }), quote("WAY", { id: "two", source: "s" })]);
    expect(again.body.results.map(({ id, duplicate }) => [id, duplicate])).toEqual([
      ["one", true],
      ["two", false],
    ]);
    expect(again.body.results[0]).toEqual({ ...http.body.results[0], duplicate: true });
    const offsets: number[] = [];
    for (let index = 0; index < 20; index++) offsets.push((await ask(quote("WAY"))).body.results[0]?.offset ?? 0);
    expect(offsets.toSorted((a, b) => a - b)).toEqual(offsets);
    const exact = `{"type":"market-data.best-price","data":{"symbol":"DIG","bestBid":{"price":1.10,"size":10.00,"source":"A"},"bestAsk":{"price":2,"size":2,"source":"B"},"timestamp":1}}`;
    await ask(exact);
    const kept = await fetch(`${server.url}/api/v1/topics/symbol:DIG/snapshot`, { headers: { authorization: `Bearer ${await token()}` } });
    expect(await kept.text()).toContain('"price":1.10,"size":10.00');
  });

  it("carries the request's correlation id, or makes one", async () => {
    const answer = await ask(quote("COR"), { headers: { "x-correlation-id": "mine" } });
    expect(answer.headers.get("x-correlation-id")).toBe("mine");
    const history = await fetch(`${server.url}/api/v1/topics/symbol:COR/events`, { headers: { authorization: `Bearer ${await token()}` } });
    expect(await history.text()).toContain('"correlationId":"mine"');
    expect((await ask("{")).headers.get("x-correlation-id")).toMatch(/^[\da-f-]{36}$/);
  });

  const own = (permissions: readonly string[]) => token({ permissions });
  it.each<[string, number, unknown, () => Promise<Asked>]>([
    ["no JSON", 400, "{nope", async () => ({})],
    ["nothing", 400, "", async () => ({})],
    ["no UTF-8", 400, new Uint8Array([0x22, 0xff, 0x22]), async () => ({})],
    ["a line that is no JSON", 400, `${JSON.stringify(quote())}\n{nope`, async () => ({ type: "application/x-ndjson" })],
    ["another content type", 415, "{}", async () => ({ type: "text/plain" })],
    ["an empty batch", 422, "[]", async () => ({})],
    ["null in a batch", 422, "[null]", async () => ({})],
    ["an unknown type", 422, { type: "no.such", data: {} }, async () => ({})],
    ["one bad event of two", 422, [quote(), { ...quote(), data: { symbol: "A", source: "B", bid: "x", timestamp: 1 } }], async () => ({})],
    ["a batch instead of one", 422, [quote()], async () => ({ type: "application/cloudevents+json" })],
    ["too much", 413, quote("A", { subject: "x".repeat(1_100_000) }), async () => ({})],
    ["a bad token", 401, quote(), async () => ({ bearer: "nonsense" })],
    ["no token", 401, quote(), async () => ({ headers: { Authorization: "" } })],
    ["another kind of credential", 401, quote(), async () => ({ headers: { Authorization: "Basic YTpi" } })],
    ["an expired token", 401, quote(), async () => ({ bearer: await token({ ttlMs: -60_000 }) })],
    ["no permission", 403, quote(), async () => ({ bearer: await own([]) })],
    ["another tenant's event", 403, quote("A", { tenantid: "other" }), async () => ({ bearer: await own(["events:publish"]) })],
  ])("refuses %s as HTTP does: %i", async (_what, status, body, asked) => {
    const options = await asked();
    const [overNats, overHttp] = [await ask(body, options), await overHttpAs(body, options)];
    expect([overNats.status, overNats.body]).toEqual([status, overHttp.body]);
    expect(overNats.headers.get("nats-service-error")).toBe((overHttp.body as unknown as { error: string }).error);
    expect(overNats.headers.get("content-type")).toBe(overHttp.headers.get("content-type"));
  });

  const overHttpAs = (body: unknown, { headers: { Authorization: authorization } = {}, type, bearer }: Asked) =>
    publish(server.url, body, {
      ...(type !== undefined && { type }),
      ...(bearer !== undefined && { bearer }),
      ...(authorization !== undefined && { headers: { authorization } }),
    });

  it("tells operators of what it refused", async () => {
    await ask(quote("A", { type: "no.such" }), { headers: { "X-Correlation-ID": "told" } });
    const bearer = await token({ permissions: ["stream:admin"] });
    const answer = await fetch(`${server.url}/api/v1/operations/refusals`, { headers: { authorization: `Bearer ${bearer}` } });
    expect(await answer.text()).toContain('"correlationId":"told"');
  });

  it("publishes nothing that names nowhere to answer to, or the nodes' subjects", async () => {
    const own = headers();
    own.set("Authorization", `Bearer ${await publisherToken()}`);
    desk.publish("broadtape.publish", JSON.stringify(quote("NONE")), { headers: own });
    for (const reply of ["broadtape.log.00", "broadtape.publish", "$SYS.REQ.SERVER.PING"])
      desk.publish("broadtape.publish", JSON.stringify(quote("NONE")), { headers: own, reply });
    const counted = async () => [...(await metrics(server)).join("\n").matchAll(/^broadtape_nats_publish_unanswerable_total (\d+)/gm)];
    await until(async () => (await counted()).reduce((sum, [, count]) => sum + Number(count), 0) === 4);
    expect((await ask(quote("NONE"))).status).toBe(200);
    const answer = await fetch(`${server.url}/api/v1/topics/symbol:NONE/events`, { headers: { authorization: `Bearer ${await token()}` } });
    expect((await answer.text()).match(/market-data\.quote"/g)).toHaveLength(1);
  });

  it("lets services reach nothing of what nodes tell each other, nor each other's requests", async () => {
    const node = await connectAs("node", "n");
    const heard: string[] = [];
    node.subscribe(">", { callback: (_error, { subject }) => void heard.push(subject) });
    await node.flush();
    const denied: string[] = [];
    const stranger = await connectAs("desk", "s");
    const watch = (async () => {
      for await (const status of stranger.status()) if (status.type === "error") denied.push(status.error.message);
    })();
    stranger.publish("broadtape.log.0123", "{}");
    for (const subject of ["broadtape.publish", "broadtape.>", "_INBOX.>", ">"]) stranger.subscribe(subject, { callback: () => undefined });
    await stranger.flush();
    await until(
      () => denied.length === 5,
      () => denied,
    );
    await ask(quote());
    node.publish("broadtape.log.0123", "own");
    await until(() => heard.length > 0);
    expect(heard).toEqual(["broadtape.log.0123"]);
    await Promise.all([node.close(), stranger.close(), watch]);
  });

  it("goes on when NATS was away", async () => {
    await nats.kill();
    await until(async () => (await metrics(server)).every((text) => text.includes("broadtape_nats_publish_connected 0")));
    await nats.start();
    await answering();
    await until(async () => (await metrics(server)).every((text) => text.includes("broadtape_nats_publish_connected 1")));
  });
});

describe("a node with little room", () => {
  let server: TestServer;
  let tight: NatsServer;
  let client: NatsConnection;
  beforeAll(async () => {
    tight = await startNats(["max_payload: 4096"]);
    client = await connect({ servers: tight.url });
    const env = {
      BROADTAPE_NATS_PUBLISH_URL: tight.url,
      BROADTAPE_NATS_PUBLISH_SUBJECT: "desk.events",
      BROADTAPE_LIMIT_NATS_WAITING_BYTES: "1048576",
    };
    server = await startTestServer({ env });
    await until(async () => (await metrics(server)).every((text) => text.includes("broadtape_nats_publish_connected 1")));
  });
  afterAll(async () => {
    await client.close();
    await server.remove();
    await tight.remove();
  });

  /** Of a request that has to wait; with headers it is shorter than a message may be. */
  const PADDING = 2500;

  async function request(body: unknown, bearer?: string, padding = 0) {
    const own = headers();
    own.set("Authorization", `Bearer ${bearer ?? (await publisherToken())}`);
    const answer = await client.request("desk.events", JSON.stringify(body) + " ".repeat(padding), { headers: own, timeout: 90_000 });
    const { message, errors } = answer.json<{ message?: string; errors?: unknown[] }>();
    const header = (name: string) => answer.headers?.get(name) ?? "";
    return { status: header("Nats-Service-Error-Code"), retryAfter: header("Retry-After"), message, errors };
  }

  it("answers who it cannot take with 503 and Retry-After, and everybody", async () => {
    // Each node has room of its own, for a third of them.
    const asked = 1200 * server.nodeUrls.length;
    // Each of which the server has to check.
    const bearers = await Promise.all(
      Array.from({ length: asked }, (_, index) => token({ sub: `publisher-${index}`, permissions: ["events:publish"] })),
    );
    const answers = await Promise.all(bearers.map((bearer) => request(quote(), bearer, PADDING)));
    const busy = answers.filter(({ status }) => status !== "");
    expect(busy.length).toBeGreaterThan(0);
    expect(busy.length).toBeLessThan(asked);
    for (const answer of busy)
      expect(answer).toEqual({ status: "503", retryAfter: "1", message: "too many publishing requests wait", errors: undefined });
    expect(await request(quote())).toMatchObject({ status: "" });
  });

  it("stores nothing whose answer would be longer than a message, and leaves out faults beyond it", async () => {
    const wrong = { type: 0, data: 1, id: 0, source: 0, time: 0, subject: 0 };
    const refused = await request(Array.from({ length: 19 }, () => wrong));
    expect(refused.status).toBe("422");
    expect(refused.errors?.length).toBeGreaterThan(10);
    expect(refused.errors?.length).toBeLessThan(60);
    expect(await request(Array.from({ length: 20 }, () => ({ ...quote(), id: "x".repeat(40) })))).toMatchObject({
      status: "413",
      message: "the answer to 20 events would not fit into a message of 4096 bytes",
    });
  });
});

describe("two nodes, whose account offers publishing to others", () => {
  let cluster: Cluster;
  let nodes: TestServer[];
  beforeAll(async () => {
    cluster = await startCluster({ fsync: "off" });
    const env = { BROADTAPE_DATABASE_URL: await cluster.createDatabase("desk"), BROADTAPE_NATS_URL: urlAs("node:n") };
    service = await connectAs("guest", "g");
    nodes = [await startTestServer({ env }), await startTestServer({ env })];
  });
  afterAll(async () => {
    await service.close();
    for (const node of nodes) await node.remove();
    await cluster.remove();
  });

  it("answer every request, each once, while one of them ends and comes back", async () => {
    const answers: { id: string; status: number; offset: number; duplicate: boolean }[] = [];
    let isOver = false;
    const publishing = async (name: string) => {
      for (let index = 0; !isOver; index++) {
        const id = `${name}-${index}`;
        const { status, body } = await ask(quote("DRAIN", { id, source: "service" }));
        const [result] = body.results;
        answers.push({ id, status, offset: result?.offset ?? 0, duplicate: result?.duplicate ?? true });
      }
    };
    const services = Promise.all(Array.from({ length: 12 }, (_, index) => publishing(`s${index}`)));
    const more = async (count: number) => {
      const target = answers.length + count;
      await until(() => answers.length >= target);
    };
    await more(200);
    expect(await nodes[0]?.kill("SIGTERM")).toBe(0);
    await more(200);
    nodes[0] = (await nodes[0]?.restart()) ?? expect.unreachable();
    await until(async () => /nats_publish_answers_total\{status="200"\} \d\d/.test((await metrics(nodes[0])).join()));
    isOver = true;
    await services;
    expect(answers.filter(({ status, duplicate }) => status !== 200 || duplicate)).toEqual([]);
    for (const name of Array.from({ length: 12 }, (_, index) => `s${index}-`)) {
      const offsets = answers.filter(({ id }) => id.startsWith(name)).map(({ offset }) => offset);
      expect(offsets.toSorted((a, b) => a - b)).toEqual(offsets);
    }
  });

  it("say 503 while the database is away, and take the same id once when it is back", async () => {
    await cluster.stop("SIGQUIT");
    const away = await until(async () => {
      const answer = await ask(quote("AWAY", { id: "a", source: "s" }));
      return answer.status === 503 && answer;
    });
    expect([away.body, Number(away.headers.get("retry-after"))]).toEqual([
      { error: "Service Unavailable", message: expect.any(String), statusCode: 503 },
      1,
    ]);
    await cluster.start();
    const back = await until(async () => {
      const answer = await ask(quote("AWAY", { id: "a", source: "s" }));
      return answer.status === 200 && answer;
    });
    expect((await ask(quote("AWAY", { id: "a", source: "s" }))).body.results[0]).toEqual({ ...back.body.results[0], duplicate: true });
  });
});

async function answering(): Promise<void> {
  await until(() =>
    ask("{", { timeoutMs: 1000 }).then(
      ({ status }) => status === 400,
      () => false,
    ),
  );
}

/** Of each node. */
function metrics(server: TestServer | undefined): Promise<string[]> {
  return Promise.all((server?.nodeUrls ?? []).map(async (url) => (await fetch(`${url}/metrics`)).text()));
}
