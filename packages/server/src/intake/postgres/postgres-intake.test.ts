import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredEvent } from "@broadtape/protocol/event";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { query } from "../../../../../test/postgres.ts";
import { until } from "../../../../../test/until.ts";
import { Rig, testProduct } from "../../../testing/rig.ts";
import { LogUnavailable } from "../../log/log.ts";
import { typesOf } from "../checks.ts";
import type { Intake } from "../intake.ts";
import { type IntakeOptions, openPostgresIntake } from "./postgres-intake.ts";
import { type IntakeTimes, TIMES } from "./times.ts";

const QUICK = { ...TIMES, backoff: { firstMs: 10, longestMs: 50 }, lookMs: 50, restMs: 2, oftenMs: 20 };

let rig: Rig;
let url: string;
let service: string;
let refused: string[];
const nodes: Intake[] = [];
const clients: Client[] = [];

/** A node that moves into the rig's log. */
async function open(options: Partial<IntakeOptions> = {}, times: IntakeTimes = QUICK): Promise<Intake> {
  const node = await openPostgresIntake(
    { url },
    {
      publish: (events, publisher) => rig.engine.publish(events, publisher),
      taken: { types: typesOf([testProduct]), batchEvents: 100, batchBytes: 20_000 },
      random: Math.random,
      onRefused: (_batch, _events, error) => refused.push(error.message),
      onFault: (error) => rig.faults.push(error),
      ...options,
    },
    times,
  );
  nodes.push(node);
  return node;
}

/** As the service's role. */
async function connect(role = service): Promise<Client> {
  const client = new Client({ connectionString: url.replace("postgres@", `${role}@`) });
  client.on("error", () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

async function stored(): Promise<readonly StoredEvent[]> {
  return (await rig.log.read({ after: 0, limit: 10_000 })).events;
}

const valuesOf = (events: readonly StoredEvent[]) => events.map(({ data }) => (JSON.parse(data) as { value: number }).value);
const feed = (value: number, more: object = {}) => ({ type: "test.feed", data: { name: "ann", value }, ...more });

const PUBLISH = "select broadtape.publish('acme', 'payments', $1) as ids";

async function publish(client: Client, ...events: readonly unknown[]): Promise<readonly string[]> {
  return publishText(client, JSON.stringify(events));
}

async function publishText(client: Client, text: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ ids: string[] }>(PUBLISH, [text]);
  return rows[0]?.ids ?? [];
}

/** A whole number to SQL, and none to the rig's product, which asks for one without digits to keep. */
const late = (value: number) => JSON.stringify(feed(value)).replace(`:${value}`, `:${value}.0`);

beforeEach(async () => {
  rig = await Rig.start();
  refused = [];
  url = await newDatabase();
  service = `payments_${new URL(url).pathname.slice(1)}`;
  await open();
  await query(url, `create role ${service} login`);
  await query(url, `grant usage on schema broadtape to ${service}`);
  await query(url, `grant execute on function broadtape.publish, broadtape.publish_event to ${service}`);
  await query(url, "insert into broadtape.publishers values ($1, 'acme')", [service]);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await Promise.all(nodes.splice(0).map((node) => node.close()));
  expect(rig.faults).toEqual([]);
});

describe("publishing in the publisher's transaction", () => {
  it("stores what is committed, in order and under the ids that were told, and nothing that is rolled back", async () => {
    const client = await connect();
    await client.query("begin");
    const ids = await publish(client, feed(1), feed(2, { id: "mine" }));
    await client.query("commit");
    await client.query("begin");
    await publish(client, feed(3));
    await client.query("rollback");
    await publish(client, feed(4));
    const events = await until(async () => {
      const found = await stored();
      return found.length === 3 ? found : undefined;
    });
    expect(valuesOf(events)).toEqual([1, 2, 4]);
    expect(events.map(({ id }) => id).slice(0, 2)).toEqual(ids);
    expect(ids[1]).toBe("mine");
    expect(events[0]).toMatchObject({ tenant: "acme", source: "payments", type: "test.feed" });
    await until(async () => (await query(url, "select from broadtape.outbox")).length === 0);
  });

  it("takes one event by its attributes", async () => {
    const client = await connect();
    const { rows } = await client.query<{ id: string }>(
      `select broadtape.publish_event('acme', 'payments', 'test.feed', $1,
        id => 'p-1', subject => 'ann', "time" => '2026-11-21 13:00:00+01', correlationid => 'c-1') as id`,
      [JSON.stringify({ name: "ann", value: 1 })],
    );
    expect(rows[0]?.id).toBe("p-1");
    const [event] = await until(async () => ((await stored()).length === 1 ? stored() : undefined));
    expect(event).toMatchObject({ id: "p-1", subject: "ann", correlationId: "c-1", time: "2026-11-21T12:00:00.000000Z" });
  });

  it("keeps digits as they were written, and characters that PostgreSQL's texts cannot hold", async () => {
    const client = await connect();
    await client.query(PUBLISH, [
      '[{"type":"test.feed","data":{"name":"ann","value":1,"amount":1.10,"note":"\\u0000","big":12345678901234567890.50}}]',
    ]);
    const [event] = await until(async () => ((await stored()).length === 1 ? stored() : undefined));
    expect(event?.data).toBe('{"name":"ann","value":1,"amount":1.10,"note":"\\u0000","big":12345678901234567890.50}');
  });

  it("takes the deepest data that a node takes, halves of surrogate pairs, and tells ids as they are stored", async () => {
    const client = await connect();
    const deep = `${"[".repeat(63)}${"]".repeat(63)}`;
    const ids = await publishText(
      client,
      `[{"type":"test.feed","data":{"name":"ann","value":1,"more":${deep}}},
        {"type":"test.feed","id":"\\ud83d\\ude00","data":{"name":"ann","value":2,"note":"\\ud800 \\udc00\\ud83d"}},
        {"type":"test.feed","id":"\\\\u0000\\\\ud800","data":{"name":"ann","value":4}},
        {"type":"test.feed","id":"😀${"x".repeat(254)}","source":"\\u00100","data":{"name":"ann","value":3}}]`,
    );
    const events = await until(async () => {
      const found = await stored();
      return found.length === 4 ? found : undefined;
    });
    expect(events.map(({ id }) => id)).toEqual(ids);
    expect(ids[2]).toBe("\\u0000\\ud800");
    expect(events[1]).toMatchObject({ id: "😀", data: '{"name":"ann","value":2,"note":"\\ud800 \\udc00\\ud83d"}' });
    await client.query("select broadtape.publish('acme', $1, $2)", ["\u00100", JSON.stringify([feed(5)])]);
    await until(async () => (await stored()).length === 5);
    expect((await stored())[4]?.source).toBe(events[3]?.source);
  });

  it("stores an event whose id was stored before once", async () => {
    const client = await connect();
    await publish(client, feed(1, { id: "same" }));
    await publish(client, feed(1, { id: "same" }), feed(2));
    await until(async () => (await stored()).length === 2);
    await until(() => nodes[0]?.meter.moved === 2);
    expect(valuesOf(await stored())).toEqual([1, 2]);
  });

  it("is part of a transaction in two phases, where the session wakes nobody", async () => {
    const client = await connect();
    const prepare = async (value: number) => {
      await until(async () => (await query(url, "select from broadtape.outbox_settings where is_asleep")).length === 1);
      await client.query("begin");
      await publish(client, feed(value));
      await client.query(`prepare transaction '${service}'`);
    };
    await expect(prepare(1)).rejects.toThrow(/cannot PREPARE/);
    await client.query("set broadtape.wake = off");
    await prepare(2);
    expect(await stored()).toEqual([]);
    await client.query(`commit prepared '${service}'`);
    await until(async () => (await stored()).length === 1);
    expect(valuesOf(await stored())).toEqual([2]);
  });

  it("holds up nobody while the transaction is open", async () => {
    const [slow, quick] = [await connect(), await connect()];
    await slow.query("begin");
    await publish(slow, feed(1));
    await publish(quick, feed(2));
    await until(async () => (await stored()).length === 1);
    await slow.query("commit");
    await until(async () => (await stored()).length === 2);
    expect(valuesOf(await stored())).toEqual([2, 1]);
  });
});

describe("many writers at once", () => {
  it("loses nothing, doubles nothing, and what began when another had ended comes after it, whichever node is killed meanwhile", async () => {
    await open();
    const writers = 8;
    const rounds = 40;
    /** Ticks at each beginning and at each end. */
    let now = 0;
    const kept = new Map<number, { readonly began: number; readonly ended: number }>();
    const round = async (writer: number, number: number, client: Client) => {
      const values = Array.from({ length: 1 + (number % 3) }, (_, index) => writer * 1e6 + number * 10 + index);
      const began = ++now;
      await client.query("begin");
      await publish(client, ...values.map((value) => feed(value)));
      if (number % 4 === 1) {
        await client.query("savepoint here");
        await publish(client, feed(-1));
        await client.query("rollback to here");
      }
      // Some end late: others have begun and ended by then.
      if (writer < 2) await until(() => now > began + 2 * writers || kept.size > (writers - 2) * rounds);
      const isKept = (number + writer) % 5 !== 0;
      if (writer === 7 && number % 2 === 1) {
        await client.query(`prepare transaction '${service}_${number}'`);
        await client.query(`${isKept ? "commit" : "rollback"} prepared '${service}_${number}'`);
      } else await client.query(isKept ? "commit" : "rollback");
      const ended = ++now;
      if (isKept) for (const value of values) kept.set(value, { began, ended });
    };
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const client = await connect();
        if (writer === 7) await client.query("set broadtape.wake = off");
        for (let number = 0; number < (writer < 2 ? rounds / 4 : rounds); number++) {
          await round(writer, number, client);
          if (writer === 4 && number % 10 === 5)
            await query(
              url,
              `select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database
              where l.locktype = 'advisory' and l.granted and d.datname = current_database()`,
            );
        }
      }),
    );
    await until(async () => (await stored()).length >= kept.size);
    await until(async () => (await query(url, "select from broadtape.outbox")).length === 0);
    const values = valuesOf(await stored());
    expect(values.toSorted((a, b) => a - b)).toEqual([...kept.keys()].toSorted((a, b) => a - b));
    let lastBegan = 0;
    for (const value of values) {
      const { began = 0, ended = 0 } = kept.get(value) ?? {};
      expect(ended, `${value} ended before one that is stored before it began`).toBeGreaterThan(lastBegan);
      lastBegan = Math.max(lastBegan, began);
    }
  });

  it("is moved by one node at a time, and by the other when that one ends", async () => {
    const [first, second] = [nodes[0], await open()];
    await until(() => first?.meter.isMover);
    expect(second.meter.isMover).toBe(false);
    await first?.close();
    await until(() => second.meter.isMover);
    await publish(await connect(), feed(1));
    await until(async () => (await stored()).length === 1);
  });
});

describe("a node that says nothing any more, as one that sleeps", () => {
  it("is moved for by another one", async () => {
    await nodes[0]?.close();
    const silent = await open({}, { ...QUICK, lookMs: 60_000, silentMs: 200 });
    await until(() => silent.meter.isMover);
    const other = await open();
    await until(() => other.meter.isMover);
    await publish(await connect(), feed(1));
    await until(() => other.meter.moved === 1);
  });
});

describe("what the function refuses, and nothing is stored of", () => {
  const cases: readonly (readonly [what: string, events: string, code: string, message: RegExp])[] = [
    [
      "an unknown type",
      '[{"type":"test.feed","data":{"name":"a","value":1}},{"type":"no","data":{}}]',
      "22023",
      /^event 1, type: is not a type/,
    ],
    ["no type", '[{"data":{}}]', "22023", /^event 0, type: is required$/],
    ["a text for data", '[{"type":"test.feed","data":"a"}]', "22023", /data: must be an object/],
    ["no data", '[{"type":"test.feed"}]', "22023", /data: is required/],
    ["a member that is missing", '[{"type":"test.feed","data":{"name":"a"}}]', "22023", /data\.value: is required/],
    [
      "a long id",
      `[{"type":"test.feed","data":{"name":"a","value":1},"id":"${"x".repeat(257)}"}]`,
      "22023",
      /id: must be a text of 1 to 256/,
    ],
    [
      "an id of 257 characters as JavaScript counts them",
      `[{"type":"test.feed","data":{"name":"a","value":1},"id":"😀${"x".repeat(255)}"}]`,
      "22023",
      /id: must be a text of 1 to 256/,
    ],
    ["a number for a source", '[{"type":"test.feed","data":{"name":"a","value":1},"source":1}]', "22023", /source: must be a text/],
    ["no time", '[{"type":"test.feed","data":{"name":"a","value":1},"time":"yesterday"}]', "22023", /time: must be an RFC 3339 time/],
    [
      "month 13",
      '[{"type":"test.feed","data":{"name":"a","value":1},"time":"2026-13-01T00:00:00Z"}]',
      "22023",
      /time: must be an RFC 3339/,
    ],
    ["February 30", '[{"type":"test.feed","data":{"name":"a","value":1},"time":"2026-02-30T00:00:00Z"}]', "22023", /time: must be/],
    [
      "hour 25 of an offset",
      '[{"type":"test.feed","data":{"name":"a","value":1},"time":"2026-02-03T00:00:00+25:00"}]',
      "22023",
      /time: must/,
    ],
    ["a text for a number", '[{"type":"test.feed","data":{"name":"a","value":"1"}}]', "22023", /data\.value: must be a number/],
    [
      "data that is nested too deep",
      `[{"type":"test.feed","data":{"name":"a","value":1,"more":${"[".repeat(64)}${"]".repeat(64)}}}]`,
      "22023",
      /nested deeper than 64 levels/,
    ],
    ["blanks", '[{"type":"test.feed","data":{"name":"a","value":1},"correlationid":"a b"}]', "22023", /correlationid: must be 1 to 128/],
    ["another tenant", '[{"type":"test.feed","data":{"name":"a","value":1},"tenantid":"other"}]', "22023", /tenantid: must be the tenant/],
    ["an empty batch", "[]", "22023", /at least one event/],
    ["a text", '"a"', "22023", /at least one event/],
    ["too many", JSON.stringify(Array.from({ length: 101 }, () => feed(1))), "54000", /at most 100 events/],
    [
      "too much",
      JSON.stringify([feed(1, { data: { name: "x".repeat(20_000), value: 1 } })]),
      "54000",
      /at most 20000 bytes, this one holds/,
    ],
  ];

  it("whatever is wrong with the batch or one of its events", async () => {
    const client = await connect();
    for (const [what, events, code, message] of cases) {
      const error = await client.query(PUBLISH, [events]).catch((caught: unknown) => caught);
      expect(error, what).toMatchObject({ code, message: expect.stringMatching(message) });
    }
    expect(await query(url, "select from broadtape.outbox")).toEqual([]);
  });

  it.each(["infinity", "-infinity", "0044-03-15 12:00:00+00 BC", "10000-01-01 12:00:00+00"])("an event of the time %s", async (time) => {
    const client = await connect();
    const error = await client
      .query(`select broadtape.publish_event('acme', 'payments', 'test.feed', $1, "time" => $2)`, [JSON.stringify(feed(1).data), time])
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "22023", message: "time: must be of the years 1 to 9999" });
  });

  it("a role for a tenant that is not its own", async () => {
    const client = await connect();
    const error = await client
      .query("select broadtape.publish('other', 'payments', $1)", [JSON.stringify([feed(1)])])
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "42501", message: expect.stringContaining("may not publish for the tenant 'other'") });
    await expect(client.query("select from broadtape.outbox")).rejects.toThrow(/permission denied/);
    await expect(client.query("insert into broadtape.publishers values ('x', 'y')")).rejects.toThrow(/permission denied/);
  });

  it("a role that nobody granted the function, until it is a member of one that may", async () => {
    const other = `other_${service}`;
    await query(url, `create role ${other} login`);
    const client = await connect(other);
    await expect(publish(client, feed(1))).rejects.toThrow(/permission denied/);
    await query(url, `grant ${service} to ${other}`);
    await publish(client, feed(1));
    await until(async () => (await stored()).length === 1);
  });
});

describe("what is found out when it is moved", () => {
  it("is refused with the reasons, and holds up nobody", async () => {
    const client = await connect();
    await publish(client, feed(1));
    await client.query("begin");
    await publishText(client, `[${JSON.stringify(feed(2))}, ${late(3)}]`);
    await publish(client, feed(4));
    await publishText(client, late(5));
    await publish(client, feed(6));
    await client.query("commit");
    await until(async () => (await stored()).length === 3);
    expect(valuesOf(await stored())).toEqual([1, 4, 6]);
    const [node] = nodes;
    await until(() => node?.meter.refused === 2);
    const found = (await node?.refused({ limit: 10 })) ?? [];
    expect(found.map(({ refusal }) => refusal.errors)).toEqual([
      [{ index: 0, path: "data.value", message: expect.stringContaining("number") }],
      [{ index: 1, path: "data.value", message: expect.stringContaining("number") }],
    ]);
    expect(found[0]).toMatchObject({ tenant: "acme", source: "payments", role: service, refusal: { statusCode: 422 } });
    expect(await node?.refused({ tenant: "other", limit: 10 })).toEqual([]);
    expect(await node?.refused({ before: found[0]?.seq, limit: 10 })).toHaveLength(1);
    expect(refused).toHaveLength(2);
    expect(await query(url, "select from broadtape.outbox")).toEqual([]);
  });

  it("is kept of each tenant as long as it has not too much of it, and throws out nothing of another's", async () => {
    await nodes[0]?.close();
    const limits = { batches: 3, bytes: 5000 };
    const node = await open({ refused: limits });
    await query(url, "insert into broadtape.publishers values ($1, 'other')", [service]);
    const client = await connect();
    const refuse = async (tenant: string, value: number, note = "") => {
      const event = late(value).replace("}}", `,"note":"${note}"}}`);
      await client.query("select broadtape.publish($1, 'payments', $2)", [tenant, event]);
    };
    const kept = async (tenant: string) =>
      (await node.refused({ tenant, limit: 100 })).map(({ events }) => Number(/"value":(\d+)/.exec(events)?.[1]));
    await refuse("other", 0);
    for (let value = 1; value <= 5; value++) await refuse("acme", value);
    await until(() => node.meter.refused === 6);
    expect(await kept("acme")).toEqual([5, 4, 3]);
    expect(await kept("other")).toEqual([0]);
    expect(node.meter.refusedDropped).toBe(2);
    await refuse("acme", 6, "x".repeat(4800));
    await until(() => node.meter.refused === 7);
    expect(await kept("acme")).toEqual([6]);
    await refuse("acme", 7, "x".repeat(9000));
    await until(() => node.meter.refused === 8);
    expect(await kept("acme")).toEqual([7]);
    expect(await kept("other")).toEqual([0]);
    expect(node.meter.refusedDropped).toBe(6);
  });

  it("waits while the log can take nothing, and keeps its order", async () => {
    await nodes[0]?.close();
    let isAway = true;
    await open({
      publish: (events, publisher) => (isAway ? Promise.reject(new LogUnavailable("away", 10)) : rig.engine.publish(events, publisher)),
    });
    const client = await connect();
    for (const value of [1, 2, 3]) await publish(client, feed(value));
    await until(() => nodes[1]?.meter.waiting === 3);
    isAway = false;
    await until(async () => (await stored()).length === 3);
    expect(valuesOf(await stored())).toEqual([1, 2, 3]);
  });
});
