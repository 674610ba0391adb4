import { expect, it, onTestFinished } from "vitest";
import { newDatabase } from "../../../../../test/postgres-database.ts";
import { query } from "../../../../../test/postgres.ts";
import { until } from "../../../../../test/until.ts";
import { openPostgresCluster, type PostgresCluster } from "./postgres-cluster.ts";

const node = { id: "one", name: "one" };

function open(url: string): Promise<PostgresCluster> {
  return openPostgresCluster(
    { url },
    {
      node,
      clock: { now: () => Date.now(), monotonic: () => performance.now() },
      // A sweep with the first look.
      random: () => 1,
      onFault: (error) => expect.fail(String(error)),
      onWarning: (warning) => expect.fail(warning),
      times: { renewMs: 50 },
    },
  );
}

it("takes away all that has ended, also where that is more than one sweep takes", async () => {
  const url = await newDatabase();
  await (await open(url)).close();
  await query(
    url,
    `insert into broadtape.hits select gen_random_uuid(), 1, clock_timestamp() + case when place <= 50000 then interval '-1 s' else interval '1 h' end
    from generate_series(1, 50010) as place`,
  );
  const cluster = await open(url);
  onTestFinished(() => cluster.close());
  await until(async () => (await query(url, "select count(*)::int as count from broadtape.hits"))[0]?.["count"] === 10);
});

it("names a database that takes no writes as one", async () => {
  const url = new URL(await newDatabase());
  url.searchParams.set("options", "-c default_transaction_read_only=on");
  await expect(open(url.href)).rejects.toThrow(
    /cluster of Broadtape's nodes: it takes no writes: a standby, or set to be read-only. Name the primary$/,
  );
});
