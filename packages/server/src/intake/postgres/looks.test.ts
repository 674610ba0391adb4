import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { openPool } from "../../postgres/pool.ts";
import { FIND_NEW, Looks, NOW, unseenBy } from "./looks.ts";
import { TAKE_AWAY } from "./rows.ts";
import { prepareIntake } from "./tables.ts";
import { WaitingCount } from "./waiting.ts";

const MOST = { batchEvents: 100, batchBytes: 1_000_000 };
const STAGE = `insert into broadtape.outbox (key, tenant, source, role, events_count, bytes, events)
  select gen_random_uuid(), 'acme', $1, 'payments', 1, 2, '[]' from generate_series(1, $2::int)`;

let looks: Looks;
let waiting: WaitingCount;
let node: Client;
const clients: Client[] = [];
let url: string;

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: url });
  clients.push(client);
  await client.connect();
  return client;
}

const stage = (client: Client, source: string, batches = 1) => client.query(STAGE, [source, batches]);

/** What is next, by who staged it; it is taken away. */
async function take(): Promise<readonly string[]> {
  const batches = await looks.next(MOST);
  const seqs = batches.map(({ seq }) => seq);
  await node.query(TAKE_AWAY, [seqs]);
  looks.gone(seqs);
  return batches.map(({ source }) => source);
}

async function takeAll(): Promise<readonly string[]> {
  const all: string[] = [];
  for (;;) {
    const some = await take();
    if (some.length === 0) return all;
    all.push(...some);
  }
}

beforeEach(async () => {
  url = await newDatabase();
  const pool = openPool({ url, name: "test", connections: 1 });
  await prepareIntake(pool, "broadtape", { types: new Map(), batchEvents: 1, batchBytes: 1 });
  await pool.end();
  node = await connect();
  await node.query("set search_path = broadtape; set enable_seqscan = off");
  const ask = async <R extends object>(text: string, values: readonly unknown[] = []) => (await node.query<R>(text, [...values])).rows;
  looks = new Looks(ask);
  waiting = new WaitingCount(ask);
  await looks.begin();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

describe("what is next", () => {
  it("comes in the order of the calls, and what is committed late as soon as it is", async () => {
    const [slow, quick] = [await connect(), await connect()];
    await slow.query("begin");
    await stage(slow, "slow");
    await stage(quick, "quick");
    expect(await takeAll()).toEqual(["quick"]);
    await stage(quick, "quick");
    expect(await takeAll()).toEqual(["quick"]);
    await slow.query("commit");
    await stage(quick, "after");
    expect(await takeAll()).toEqual(["slow", "after"]);
  });

  it("is handed out again until it is taken away", async () => {
    await stage(node, "one", 3);
    const [first, ...others] = await looks.next(MOST);
    if (first === undefined) throw new Error("nothing is there");
    await node.query(TAKE_AWAY, [[first.seq]]);
    looks.gone([first.seq]);
    await stage(node, "two");
    expect((await looks.next(MOST)).map(({ seq }) => seq).slice(0, 2)).toEqual(others.map(({ seq }) => seq));
    expect(await takeAll()).toEqual(["one", "one", "two"]);
  });

  it("keeps its order where more waits than one look finds, and somebody commits late meanwhile", async () => {
    const [slow, quick] = [await connect(), await connect()];
    await stage(quick, "before");
    expect(await takeAll()).toEqual(["before"]);
    await slow.query("begin; savepoint here");
    await stage(slow, "slow");
    await slow.query("release here");
    await stage(quick, "quick", 1200);
    const sources = [...(await take())];
    await slow.query("commit");
    await stage(quick, "after");
    sources.push(...(await takeAll()));
    expect(sources.filter((source) => source === "quick")).toHaveLength(1200);
    expect(sources.filter((source) => source !== "quick")).toEqual(["slow", "after"]);
    expect(sources.at(-1)).toBe("after");
  });

  it("is found where a dump of another database brought it", async () => {
    await stage(node, "restored");
    await node.query("update outbox set xid = '123456789012'");
    await looks.begin();
    expect(await takeAll()).toEqual(["restored"]);
    await stage(node, "new");
    expect(await takeAll()).toEqual(["new"]);
  });
});

describe("while somebody keeps a transaction open", () => {
  /** Pages that PostgreSQL looks at. */
  async function pagesOf(statement: string, values: readonly unknown[]): Promise<number> {
    const { rows } = await node.query<{ "QUERY PLAN": [{ Plan: { "Shared Hit Blocks": number; "Shared Read Blocks": number } }] }>(
      `explain (analyze, buffers, format json) ${statement}`,
      [...values],
    );
    const plan = rows[0]?.["QUERY PLAN"][0].Plan;
    return (plan?.["Shared Hit Blocks"] ?? Infinity) + (plan?.["Shared Read Blocks"] ?? Infinity);
  }

  it("a look finds what is new without going over all that is gone since", async () => {
    const open = await connect();
    await open.query("begin; select pg_current_xact_id()");
    await stage(node, "gone", 5000);
    expect(await takeAll()).toHaveLength(5000);
    await waiting.count();
    const { rows } = await node.query<{ now: string }>(NOW);
    const seen = rows[0]?.now ?? "";
    await stage(node, "new");
    const { from, open: unfinished } = unseenBy(seen);
    expect(unfinished).not.toEqual([]);
    const now = (await node.query<{ now: string }>(NOW)).rows[0]?.now;
    expect(await pagesOf(FIND_NEW, [100, 1_000_000, now, from, unfinished])).toBeLessThan(25);
    expect(await pagesOf("select seq from outbox order by seq limit 500", [])).toBeGreaterThan(60);
    expect(await waiting.count()).toMatchObject({ waiting: 1 });
    await open.query("rollback");
  });

  it("everything that waits is counted, and nothing that does not", async () => {
    const [slow, quick] = [await connect(), await connect()];
    await slow.query("begin");
    await stage(slow, "slow");
    expect(await waiting.count()).toMatchObject({ waiting: 0, seconds: 0 });
    await stage(quick, "quick", 3);
    expect(await waiting.count()).toMatchObject({ waiting: 3 });
    await take();
    await stage(quick, "quick", 2);
    expect(await waiting.count()).toMatchObject({ waiting: 2 });
    await slow.query("commit");
    expect(await waiting.count()).toMatchObject({ waiting: 3 });
    await takeAll();
    expect(await waiting.count()).toMatchObject({ waiting: 0 });
  });
});
