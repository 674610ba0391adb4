/** Publishing inside the publisher's own database transaction (contract 00-common "Publishing"), by services and their libraries as they are. */
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LimitExceeded, type Payments, TABLE, TENANT } from "../../examples/outbox/src/payments.ts";
import { openPayments as withDrizzle } from "../../examples/outbox/src/with-drizzle.ts";
import { openPayments as withPg } from "../../examples/outbox/src/with-pg.ts";
import { openPayments as withPrisma } from "../../examples/outbox/src/with-prisma.ts";
import { openPayments as withTypeOrm } from "../../examples/outbox/src/with-typeorm.ts";
import { newDatabase } from "../postgres-database.ts";
import { query } from "../postgres.ts";
import { type TestServer, startTestServer, until } from "./server.ts";
import { feedClients } from "./transactions/feed-client.ts";

let url: string;
/** As the service's own role connects. */
let serviceUrl: string;
let nodes: readonly [TestServer, TestServer];
const clients = feedClients(() => nodes[0]);

beforeAll(async () => {
  url = await newDatabase();
  const env = { BROADTAPE_DATABASE_URL: url };
  nodes = [await startTestServer({ env }), await startTestServer({ env })];
  for (const statement of [
    TABLE,
    "create role payments login",
    "grant all on payments to payments",
    "grant usage on schema broadtape to payments",
    "grant execute on function broadtape.publish, broadtape.publish_event to payments",
    `insert into broadtape.publishers (role, tenant) values ('payments', '${TENANT}')`,
  ])
    await query(url, statement);
  serviceUrl = url.replace("postgres@", "payments@");
});
afterEach(() => clients.end());
afterAll(async () => {
  for (const node of nodes) await node.remove();
});

const follow = (sub: string, node = nodes[0]) => clients.plain({ sub, tenantId: TENANT }, "?ack=none", node.url);

describe.each([
  ["pg", withPg],
  ["TypeORM", withTypeOrm],
  ["Prisma", withPrisma],
  ["Drizzle", withDrizzle],
] as const)("a service with %s", (library, open) => {
  it("publishes what it commits, in order, and nothing of what it rolls back", async () => {
    const userId = `ann-${library.toLowerCase()}`;
    const client = await follow(userId);
    await client.subscribe();
    const payments: Payments = await open(serviceUrl);
    const id = (number: number) => `${userId}-${number}`;
    const pay = (number: number, amount: string) => payments.pay({ id: id(number), userId, amount, currency: "EUR" });
    try {
      await pay(1, "10.00");
      await pay(2, "20.10");
      await expect(pay(3, "5000.00")).rejects.toThrow(LimitExceeded);
      await pay(4, "0.90");
    } finally {
      await payments.close();
    }
    expect(await client.idsUpTo(id(4))).toEqual([id(1), id(2), id(4)]);
    expect(client.all("transaction").map(({ transaction }) => (transaction as { amount: string }).amount)).toEqual([
      "10.00",
      "20.10",
      "0.90",
    ]);
    const rows = await query(url, "select id from payments where user_id = $1 order by created_at", [userId]);
    expect(rows).toEqual([{ id: id(1) }, { id: id(2) }, { id: id(4) }]);
  });
});

/** Which node moves. */
async function mover(): Promise<0 | 1> {
  const isMover = async ({ url: node }: TestServer) => /^broadtape_outbox_mover 1$/m.test(await (await fetch(`${node}/metrics`)).text());
  return until(async () => {
    const found = await Promise.all(nodes.map((node) => isMover(node).catch(() => false)));
    return found[0] ? { at: 0 as const } : found[1] ? { at: 1 as const } : undefined;
  }).then(({ at }) => at);
}

it("goes on at the other node when the one that moves is killed: nothing lost, nothing doubled, each writer's in order", async () => {
  const at = await mover();
  const other = nodes[at === 0 ? 1 : 0];
  const writers = ["w0", "w1", "w2", "w3"];
  const readers = await Promise.all(writers.map((writer) => follow(writer, other)));
  for (const reader of readers) await reader.subscribe();
  let killed: Promise<unknown> | undefined;
  const last = await Promise.all(
    writers.map(async (userId) => {
      const service = new Client({ connectionString: serviceUrl });
      await service.connect();
      for (let number = 0; number < 100; number++) {
        const transaction = { id: `${userId}-${number}`, amount: "1.00", currency: "EUR", type: "P", status: "S", createdAt: 0 };
        await service.query("begin");
        await service.query("select broadtape.publish_event($1, $2, 'transaction.created', $3)", [
          TENANT,
          userId,
          JSON.stringify({ userId, transaction }),
        ]);
        await service.query(number % 7 === 3 ? "rollback" : "commit");
        if (number === 50) killed ??= nodes[at].kill("SIGKILL");
      }
      await service.end();
      return `${userId}-99`;
    }),
  );
  await killed;
  const expected = Array.from({ length: 100 }, (_, number) => number).filter((number) => number % 7 !== 3);
  for (const [index, reader] of readers.entries())
    expect(await reader.idsUpTo(last[index] ?? "")).toEqual(expected.map((number) => `${writers[index] ?? ""}-${number}`));
  await until(async () => (await query(url, "select from broadtape.outbox")).length === 0);
});
