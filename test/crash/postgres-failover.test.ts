/** The primary dies in the middle of commits and its synchronous standby takes over: what was acknowledged is there, each event once. */
import { afterAll, expect, it } from "vitest";
import { LogUnavailable } from "../../packages/server/src/log/log.ts";
import { openPostgresLog } from "../../packages/server/src/log/postgres/postgres-log.ts";
import { until } from "../contract/server.ts";
import { startProxy } from "../postgres-proxy.ts";
import { query, startCluster, startStandby } from "../postgres.ts";

const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());

const primary = await startCluster();
resources.defer(() => primary.remove());
const standby = await startStandby(primary);
resources.defer(() => standby.remove());
const proxy = await startProxy(primary.port);
resources.defer(() => proxy.close());
const url = `postgres://postgres@127.0.0.1:${proxy.port}/postgres`;

async function commitsWaitForTheStandby(): Promise<void> {
  await query(primary.url(), "alter system set synchronous_standby_names = '*'");
  await query(primary.url(), "select pg_reload_conf()");
  await until(async () => (await query(primary.url(), "select 1 from pg_stat_replication where sync_state = 'sync'")).length === 1);
}

const open = () =>
  openPostgresLog(
    { url },
    { retention: { maxAgeMs: Infinity, maxBytes: Infinity }, dedupeWindowMs: Infinity, now: () => Date.now(), maxWaitingEvents: 1000 },
  );

function eventOf(id: string) {
  const names = { tenant: "acme", type: "rfq.created", source: "writer", id, time: "2026-11-20T12:00:00.000Z" };
  return { ...names, subject: undefined, correlationId: id, data: "{}", topics: ["all"], deduplicate: true };
}

it("goes on on the standby with everything that was acknowledged, each event once, in the same life", async () => {
  await commitsWaitForTheStandby();
  const log = await open();
  expect(log.durability).toMatchObject({ synchronousCommit: "on", synchronousStandbys: "*" });
  const acknowledged = new Map<string, number>();
  let isOver = false;
  const publishers = Array.from({ length: 4 }, async (_, publisher) => {
    for (let number = 0; !isOver; number++) {
      const id = `${publisher}-${number}`;
      // As a publisher does that gets 503: the same id again.
      const [place] = await until(() =>
        log.append([eventOf(id)]).catch((error: unknown) => {
          if (error instanceof LogUnavailable) return undefined;
          throw error;
        }),
      );
      acknowledged.set(id, place?.offset ?? 0);
    }
  });
  await until(() => acknowledged.size > 100);
  // The last commit is done and replicated, and nobody hears of it.
  proxy.cutAtCommit("after");
  await until(() => proxy.cuts() === 1);
  proxy.setOpen(false);
  await primary.stop("SIGQUIT");
  await query(standby.url(), "select pg_promote()");
  proxy.setTarget(standby.port);
  proxy.setOpen(true);
  const before = acknowledged.size;
  await until(() => acknowledged.size > before + 100);
  isOver = true;
  await Promise.all(publishers);
  const stored = await query(standby.url(), `select id, "offset"::int as place from broadtape.events order by "offset"`);
  expect(stored.map(({ place }) => place)).toEqual(stored.map((_, index) => index + 1));
  expect(Object.fromEntries(stored.map(({ id, place }) => [id, place]))).toEqual(Object.fromEntries(acknowledged));
  expect(stored).toHaveLength(acknowledged.size);

  await log.retain();
  await log.close();
  const next = await open();
  expect(next.epoch).toBe(log.epoch);
  await next.close();
});
