/** What docs/publishing-from-sql.md shows, in the order of the page, against a real database and a real node. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { feedClients } from "../contract/transactions/feed-client.ts";
import { startTestServer, type TestServer, until } from "../contract/server.ts";
import { type Cluster, query, startCluster } from "../postgres.ts";
import { codeOf, pageOf } from "./pages.ts";

const [grants = "", one = "", several = "", refused = "", locks = ""] = codeOf(pageOf("docs/publishing-from-sql.md"), "sql");

let cluster: Cluster;
let node: TestServer;
let url: string;
const clients = feedClients(() => node);

beforeAll(async () => {
  cluster = await startCluster();
  url = await cluster.createDatabase("bank");
  await query(url, "create role broadtape login");
  await query(url, "alter database bank owner to broadtape");
  const env = { BROADTAPE_DATABASE_URL: url.replace("postgres@", "broadtape@") };
  node = await startTestServer({ env, directory: mkdtempSync(join(tmpdir(), "broadtape-docs-")) });
});
afterAll(async () => {
  clients.end();
  await node.remove();
  await cluster.remove();
});

it("publishing from SQL: a role is let in, publishes in its transaction, and its user is told", async () => {
  await query(url, grants);
  await query(url, "grant create on schema public to payments");
  const client = await clients.plain({ sub: "ann", tenantId: "acme" }, "?ack=none");
  await client.subscribe();
  const service = url.replace("postgres@", "payments@");
  await query(service, one);
  await query(service, several);
  await client.first("balance");
  expect(client.all("transaction")).toMatchObject(["12.50", "12.50"].map((amount) => ({ transaction: { id: "p-1", amount } })));
});

it("publishing from SQL: what is refused when it is moved is found where the page says", async () => {
  const transaction = { id: "p-2", amount: "much", currency: "EUR", type: "P", status: "S", createdAt: 0 };
  const events = JSON.stringify([{ type: "transaction.created", data: { userId: "ann", transaction } }]);
  const publish = (text: string) =>
    query(url.replace("postgres@", "payments@"), "select broadtape.publish('acme', 'payments', $1)", [text]);
  await expect(publish(events)).rejects.toMatchObject({
    code: "22023",
    message: expect.stringContaining("event 0, data.transaction.amount"),
  });
  await publish(events.replace('"much"', `1.${"1".repeat(70)}`));
  const [found] = await until(async () => {
    const rows = await query(url, refused);
    return rows.length > 0 ? rows : undefined;
  });
  expect(found).toMatchObject({ tenant: "acme", refusal: { statusCode: 422, errors: [{ index: 0, path: "data.transaction.amount" }] } });
  await until(() => node.output().includes("a batch of the outbox is refused"));
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  expect(metrics).toContain("broadtape_outbox_refused_batches_total 1");
});

it("publishing from SQL: no service takes the nodes' locks, where that is revoked, and nodes go on", async () => {
  const payments = url.replace("postgres@", "payments@");
  const lock = "select pg_advisory_xact_lock(hashtextextended('broadtape/main', 0))";
  await query(payments, lock);
  await query(url, locks);
  await expect(query(payments, lock)).rejects.toThrow("permission denied");
  await node.kill();
  node = await node.restart();
  const client = await clients.plain({ sub: "bob", tenantId: "acme" }, "?ack=none");
  await client.subscribe();
  await query(payments, one.replaceAll("ann", "bob").replaceAll("p-1", "p-3"));
  await client.first("transaction");
});
