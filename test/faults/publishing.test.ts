/**
 * A service that publishes the same batch by every door at once, HTTP, NATS and its own transaction, and asks again under the same ids until it knows, while the
 * primary of the database is killed and its standby takes over: a batch is stored once and whole, and whoever is answered is told where.
 */
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDatabase, type TestDatabase } from "../cluster-database.ts";
import { type Answer, publish, publisherToken, startTestServer, type TestServer } from "../contract/server.ts";
import { orderCreated } from "../contract/trading-order.ts";
import { type NatsServer, startNats } from "../nats.ts";
import { query } from "../postgres.ts";
import { until } from "../until.ts";

const SOURCE = "service";
const WRITERS = 4;
const EVENTS = 3;

let database: TestDatabase;
let nats: NatsServer;
let service: NatsConnection;
let nodes: readonly TestServer[];
beforeAll(async () => {
  [database, nats] = await Promise.all([startDatabase({ hasStandby: true, settings: { fsync: "off" } }), startNats()]);
  const env = { BROADTAPE_DATABASE_URL: database.url, BROADTAPE_NATS_URL: nats.url };
  nodes = await Promise.all([startTestServer({ env }), startTestServer({ env })]);
  service = await connect({ servers: nats.url });
  await query(database.url, "insert into broadtape.publishers (role, tenant) values ('postgres', 'tenant')");
});
afterAll(async () => {
  await service.close();
  for (const node of nodes) await node.remove();
  await nats.remove();
  await database.remove();
});

const batchOf = (name: string) =>
  Array.from({ length: EVENTS }, (_, index) => ({ ...orderCreated(`${name}-${index}`), id: `${name}-${index}`, source: SOURCE }));

type Places = Answer["body"]["results"];
/** Undefined where it has to be asked again. */
type Door = (batch: readonly object[]) => Promise<Places | undefined>;

/** Nothing but a success, or what says when to come again. */
function placesIn(status: number, retryAfter: string | null | undefined, body: Answer["body"]): Places | undefined {
  if (status === 200) return body.results;
  expect({ status, body, retryAfter: Number(retryAfter) }).toEqual({
    status: 503,
    body: { error: "Service Unavailable", message: expect.any(String), statusCode: 503 },
    retryAfter: expect.toSatisfy((seconds: number) => seconds >= 1),
  });
  return undefined;
}

const overHttp =
  (node: number): Door =>
  async (batch) => {
    const { status, headers: told, body } = await publish(nodes[node]?.url ?? "", batch);
    return placesIn(status, told.get("retry-after"), body);
  };

const overNats: Door = async (batch) => {
  const own = headers();
  own.set("Authorization", `Bearer ${await publisherToken()}`);
  const answer = await service
    .request("broadtape.publish", JSON.stringify(batch), { timeout: 5000, headers: own })
    // No answer, nobody there: nobody knows whether it is stored.
    .catch(() => undefined);
  if (answer === undefined) return undefined;
  const status = Number(answer.headers?.get("Nats-Service-Error-Code") || 200);
  return placesIn(status, answer.headers?.get("Retry-After"), answer.json());
};

/** A commit without an answer may have been one. */
const inTransaction: Door = async (batch) => {
  const client = new Client({ connectionString: database.url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("begin");
    await client.query("select broadtape.publish('tenant', $1, $2)", [SOURCE, JSON.stringify(batch)]);
    await client.query("commit");
    return [];
  } catch {
    return undefined;
  } finally {
    void client.end().catch(() => undefined);
  }
};

async function untilStored(door: Door, batch: readonly object[]): Promise<{ places: Places; attempts: number }> {
  for (let attempts = 1; ; attempts++) {
    const places = await door(batch);
    if (places !== undefined) return { places, attempts };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it("stores each batch once and whole, whoever is killed, and tells every door the same", async () => {
  const stored = new Map<string, number>();
  let repeated = 0;
  let isOver = false;
  const writing = Array.from({ length: WRITERS }, async (_, writer) => {
    for (let number = 0; !isOver; number++) {
      const name = `w${writer}-${number}`;
      const batch = batchOf(name);
      const answers = await Promise.all([overHttp(writer % 2), overNats, inTransaction].map((door) => untilStored(door, batch)));
      const [first, ...others] = answers.map(({ places }) => places.map(({ offset }) => offset)).filter((offsets) => offsets.length > 0);
      const [start = 0] = first ?? [];
      expect(first).toEqual(batch.map((_event, index) => start + index));
      expect(others).toEqual([first]);
      stored.set(name, start);
      repeated += answers.filter(({ attempts }) => attempts > 1).length;
    }
  });
  const failed = Promise.all(writing).then(() => undefined);
  const more = async (count: number) => {
    const target = stored.size + count;
    await Promise.race([until(() => stored.size >= target), failed]);
  };
  await more(20);
  await database.failOver();
  await more(40);
  isOver = true;
  await failed;
  expect(repeated).toBeGreaterThan(0);
  await until(async () => (await query(database.url, "select from broadtape.outbox")).length === 0);
  const rows = await query(database.url, `select id, "offset"::int from broadtape.events where source = $1 order by "offset"`, [SOURCE]);
  const expected = [...stored].flatMap(([name, start]) => batchOf(name).map(({ id }, index) => ({ id, offset: start + index })));
  expect(rows).toEqual(expected.toSorted((a, b) => a.offset - b.offset));
  expect(await query(database.url, "select refusal from broadtape.outbox_refused")).toEqual([]);
});
