/**
 * What can happen to a cluster while services publish and clients follow: three nodes behind nginx, PostgreSQL with a synchronous standby,
 * NATS, all of them real processes. Whatever happens, nothing that was acknowledged is lost, and nobody is told anything twice, out of
 * order, or of somebody else.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestCluster, type TestCluster, type TestNode } from "../cluster.ts";
import { token } from "../contract/server.ts";
import { payments, tell } from "../contract/transactions/feed-client.ts";
import { until } from "../until.ts";
import { Publishers } from "./publishers.ts";
import { Readers } from "./readers.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ standby: true, outputCharacters: 100_000 });
});
afterAll(() => cluster.remove());

/** A node that is not done by then ends all the same (contract 00-common "Running"). */
const GRACE_MS = 9000;

const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);

function node(name: string): TestNode {
  const found = cluster.nodes.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no node ${name}`);
  return found;
}

interface Under {
  readonly readers: Readers;
  readonly publishers: Publishers;
  /** Resolves when this many more were acknowledged from now on. */
  more(events: number): Promise<void>;
}

/** Does this to the cluster while services publish through nginx and clients follow; nothing may be wrong when it is over. */
async function underLoad(work: (load: Under) => Promise<void>, { clients = 60, pauseMs = 25 } = {}): Promise<void> {
  const readers = await Readers.connect({ urlOf: () => cluster.url, clients, users });
  const publishers = new Publishers({ urlOf: () => cluster.url, publishers: 6, users, pauseMs });
  const more = async (events: number) => {
    const before = publishers.acknowledged;
    await until(
      () => publishers.acknowledged >= before + events,
      () => `${publishers.acknowledged - before} of ${events} more were acknowledged, ${publishers.retries} attempts were not`,
    );
  };
  try {
    await more(100);
    await work({ readers, publishers, more });
    await more(100);
    const stored = await publishers.end();
    await readers.allLive();
    expect(await readers.faults(stored)).toEqual([]);
  } catch (error) {
    const outputs = cluster.nodes.map(({ name, output }) => `${name}: …${output().slice(-3000)}`);
    throw new Error(`${String(error)}\n${outputs.join("\n")}`, { cause: error });
  } finally {
    await publishers.end().catch(() => undefined);
    readers.close();
  }
}

it("goes on when a node is killed, and when it comes back", async () => {
  await underLoad(async ({ readers, more }) => {
    await node("n2").kill("SIGKILL");
    await more(200);
    await readers.allLive();
    await node("n2").start();
    await more(200);
  });
});

it("goes on when NATS is restarted, and when it is killed for good", async () => {
  await underLoad(async ({ more }) => {
    await cluster.nats?.kill("SIGTERM");
    await cluster.nats?.start();
    await more(100);
    await cluster.nats?.kill("SIGKILL");
    await more(100);
    await cluster.nats?.start();
    await more(100);
  });
});

it("restarts node by node under a thousand clients, who all resume", async () => {
  await underLoad(
    async ({ readers, more }) => {
      for (const { name } of cluster.nodes) {
        const began = performance.now();
        const code = await node(name).kill("SIGTERM");
        // Where hundreds of goodbyes take a busy machine longer, it ends with 1.
        if (performance.now() - began < GRACE_MS) expect(code, node(name).output().slice(-5000)).toBe(0);
        await more(20);
        await node(name).start();
        await readers.allLive();
      }
    },
    { clients: 1000, pauseMs: 50 },
  );
});

it("goes on when a node stands still for twenty seconds", async () => {
  await underLoad(async ({ readers, more }) => {
    node("n3").stop();
    try {
      const woken = new Promise((resolve) => setTimeout(resolve, 20_000));
      await more(200);
      await woken;
    } finally {
      node("n3").cont();
    }
    await readers.allLive();
    await more(100);
  });
});

it("tells nobody anything on a session that was ended while its node stood still", async () => {
  const at = (name: string) => node(name).url;
  const bearer = await token({ sub: "ann" });
  const opened = await fetch(`${at("n1")}/api/session`, { method: "POST", headers: { authorization: `Bearer ${bearer}` } });
  const cookie = (opened.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const stream = await fetch(`${at("n1")}/api/v1/sse/transactions`, { headers: { cookie } });
  expect([opened.status, stream.status]).toEqual([201, 200]);
  let told = "";
  const isOver = (async () => {
    for await (const text of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) told += text;
  })().catch(() => undefined);
  await tell({ url: at("n2") }, payments("ann", ["before"]));
  await until(() => told.includes('"before"'));
  node("n1").stop();
  // Longer than a busy process, and shorter than the lease: nobody has taken it for gone.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const ended = await fetch(`${at("n2")}/api/session`, { method: "DELETE", headers: { cookie } });
  expect(ended.status).toBe(204);
  await tell({ url: at("n2") }, payments("ann", ["secret"]));
  node("n1").cont();
  await isOver;
  expect(told).toContain("TOKEN_EXPIRED");
  expect(told).not.toContain("secret");
});

it("goes on when the primary is killed and its standby takes over", async () => {
  await underLoad(async ({ more }) => {
    await cluster.database?.failOver();
    await more(200);
  });
  // They still hear of each other what is in no log.
  const headers = { authorization: `Bearer ${await token({ sub: "operator", permissions: ["stream:admin"] })}` };
  await until(async () => {
    const views = await fetch(`${cluster.url}/api/v1/operations/views`, { headers });
    return ((await views.json()) as { nodes: readonly unknown[] }).nodes.length === cluster.nodes.length;
  });
});
