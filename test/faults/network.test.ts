/**
 * The network between nodes, database and NATS is cut, silently, as where a cable is pulled out behind a switch: each of them on a
 * host of its own. Nothing that was acknowledged is lost, and nobody is told anything twice or out of order. Nodes have no connection to
 * each other: what stands between two of them is the database and NATS.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../free-port.ts";
import { startNats } from "../nats.ts";
import { startCluster } from "../postgres.ts";
import { ServerProgram } from "../server-program.ts";
import { until } from "../until.ts";
import { Network } from "./network.ts";
import { Publishers } from "./publishers.ts";
import { Readers } from "./readers.ts";

const isRoot = process.getuid?.() === 0;
const resources = new AsyncDisposableStack();
let network: Network;
let nodes: readonly ServerProgram[];

beforeAll(async () => {
  if (!isRoot) return;
  network = await Network.create(["database", "nats", "n1", "n2"]);
  resources.defer(() => network.remove());
  const database = await startCluster({ fsync: "off", full_page_writes: "off" }, network.host("database"));
  resources.defer(() => database.remove());
  const nats = await startNats([], network.host("nats"));
  resources.defer(() => nats.remove());
  const folder = mkdtempSync(join(tmpdir(), "broadtape-network-"));
  resources.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const env = { BROADTAPE_DATABASE_URL: database.url(), BROADTAPE_NATS_URL: nats.url };
  const newNode = async (name: string) => {
    const node = new ServerProgram({ name, directory: join(folder, name), port: await freePort(), host: network.host(name) });
    resources.defer(async () => {
      await node.end();
    });
    await node.start({ ...env, BROADTAPE_NODE: name });
    return node;
  };
  nodes = [await newNode("n1"), await newNode("n2")];
});
afterAll(() => resources.disposeAsync());

const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);

/** Longer than a node's patience with a database that says nothing; the others have to do nothing but go on. */
const LONG_MS = 12_000;
const SHORT_MS = 4000;

/** Half of the services and clients are at either node; the services go to the other one when theirs gives no answer. */
async function whileCut(one: string, other: string, cutMs: number, during: (publishers: Publishers) => Promise<void>): Promise<void> {
  const urlOf = (index: number) => nodes[index % nodes.length]?.url ?? "";
  const readers = await Readers.connect({ urlOf, clients: 20, users });
  const publishers = new Publishers({ urlOf: (publisher, attempt) => urlOf(publisher + attempt), publishers: 4, users, pauseMs: 50 });
  const more = async (events: number) => {
    const before = publishers.acknowledged;
    await until(() => publishers.acknowledged >= before + events);
  };
  try {
    await more(100);
    await network.cut(one, other);
    const isLong = new Promise((resolve) => setTimeout(resolve, cutMs));
    await during(publishers);
    await isLong;
    await network.heal(one, other);
    await more(200);
    const stored = await publishers.end();
    expect(await readers.faults(stored)).toEqual([]);
  } finally {
    await network.heal(one, other);
    await publishers.end().catch(() => undefined);
    readers.close();
  }
}

async function goesOn(publishers: Publishers): Promise<void> {
  const before = publishers.acknowledged;
  await until(
    () => publishers.acknowledged >= before + 100,
    () => publishers.acknowledged - before,
  );
}

// Only root may make networks; `npm test` on a machine of one's own may do without.
describe.runIf(isRoot)("a network that is cut", () => {
  it("goes on at the other node while one is cut off from the database, and then at both", async () => {
    await whileCut("n1", "database", LONG_MS, goesOn);
  });

  it("goes on without a pause while a node is cut off from NATS", async () => {
    await whileCut("n2", "nats", SHORT_MS, goesOn);
  });

  it("goes on while the nodes are cut off from each other", async () => {
    await whileCut("n1", "n2", SHORT_MS, goesOn);
  });
});
