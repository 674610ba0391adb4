import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../../../../test/contract/server.ts";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { startProxy } from "../../../../../test/postgres-proxy.ts";
import { query } from "../../../../../test/postgres.ts";
import { newBatches, Node, type WirePlace } from "../contract-place.ts";
import { wireContract } from "../contract-tests.ts";
import { openListenNotifyWire } from "./listen-notify-wire.ts";
import { type ListenTimes, TIMES } from "./times.ts";

/** Between two announcements of a node. */
const APART_MS = 50;
const QUICK: ListenTimes = { ...TIMES, backoff: { firstMs: 10, longestMs: 50 } };

/** The database of the run, beyond a proxy that can shut the door: it is not ours to stop. */
async function newPlace(times = QUICK): Promise<WirePlace & { readonly url: string }> {
  const url = await newDatabase();
  const proxy = await startProxy(Number(new URL(url).port));
  const beyond = new URL(url);
  beyond.port = String(proxy.port);
  return {
    url,
    open: (options) => openListenNotifyWire({ url: beyond.href }, options, times),
    goAway: () => {
      proxy.setOpen(false);
      return Promise.resolve();
    },
    comeBack: () => {
      proxy.setOpen(true);
      return Promise.resolve();
    },
    remove: () => proxy.close(),
  };
}

describe("the wire over LISTEN and NOTIFY", () => {
  wireContract(newPlace);
});

describe("notifications", () => {
  let place: WirePlace & { readonly url: string };
  const nodes: Node[] = [];
  const newNode = () => {
    const node = new Node(place);
    nodes.push(node);
    return node;
  };

  beforeAll(async () => {
    place = await newPlace({ ...QUICK, apartMs: APART_MS, beatMs: 30, answerMs: 300 });
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(({ wire }) => wire.close()));
  });
  afterAll(async () => {
    await place.remove();
  });

  const connected = (...waiting: readonly Node[]) => until(() => waiting.every(({ wire }) => wire.status === "connected"));
  const sessions = async () =>
    query(place.url, "select pid from pg_stat_activity where application_name = 'broadtape wire' and datname = current_database()");

  it("go out at once, and then at most one in a while, whatever is announced", async () => {
    const [ann, ben] = [newNode(), newNode()];
    await connected(ann, ben);
    const woken = ben.wakes;
    const started = performance.now();
    ann.wire.announce(newBatches(1, [1]));
    await until(() => ben.wakes > woken);
    for (let offset = 2; performance.now() - started < 300; offset++) {
      ann.wire.announce(newBatches(offset, [1]));
      await new Promise(setImmediate);
    }
    const sent = ann.wire.meter.announced;
    expect(sent).toBeGreaterThan(1);
    expect(sent).toBeLessThanOrEqual(2 + (performance.now() - started) / APART_MS);
    await until(() => ann.wire.meter.announced > sent && ben.wakes >= woken + sent);
    expect(ann.wire.meter.unsent).toBe(0);
  });

  it("are listened for on another connection when the session was ended", async () => {
    const [ann, ben] = [newNode(), newNode()];
    await connected(ann, ben);
    const pids = await sessions();
    expect(pids).toHaveLength(2);
    for (const { pid } of pids) await query(place.url, "select pg_terminate_backend($1)", [pid]);
    await until(() => [ann, ben].every(({ wire }) => wire.meter.reconnects === 1));
    const woken = ben.wakes;
    ann.wire.announce(newBatches(1, [1]));
    await until(() => ben.wakes > woken);
    expect(ann.statuses[1]).toEqual(["connecting", expect.stringContaining("terminat")]);
  });

  it("are listened for on another connection when the database does not answer on this one", async () => {
    const node = newNode();
    await connected(node);
    const [session] = await sessions();
    const pid = Number(session?.["pid"]);
    process.kill(pid, "SIGSTOP");
    await until(() => node.wire.meter.reconnects === 1);
    process.kill(pid, "SIGCONT");
    expect(node.statuses[1]).toEqual(["connecting", "the database does not answer"]);
  });
});
