/** How much waits in the outbox, counted each second by every node, without going over what is gone already (looks.ts). */
import { MOST_COUNTED } from "../intake.ts";
import { type Ask, unseenBy } from "./looks.ts";

export interface Waiting {
  readonly waiting: number;
  /** Of the oldest. */
  readonly seconds: number;
}

interface Counted extends Waiting {
  readonly now: string;
  /** The first transaction of which something waits. */
  readonly oldest: string | null;
}

const COUNT = `with waiting as materialized (select staged_at, xid from outbox where xid = any ($2::xid8[])
    union all (select staged_at, xid from outbox where xid >= $1::xid8 order by xid limit ${MOST_COUNTED}))
  select pg_current_snapshot()::text as now, count(*)::int as waiting, (select xid::text from waiting order by xid limit 1) as oldest,
    coalesce(greatest(0, extract(epoch from clock_timestamp() - min(staged_at))), 0)::float8 as seconds from waiting`;

/** Of one session. */
export class WaitingCount {
  readonly #ask: Ask;
  /** What waits is of these transactions. */
  #of: { readonly from: string; readonly open: readonly string[] } = { from: "0", open: [] };

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async count(): Promise<Waiting> {
    const [row] = await this.#ask<Counted>(COUNT, [this.#of.from, this.#of.open]);
    if (row === undefined) throw new Error("the database does not count");
    const { from, open } = unseenBy(row.now);
    const first = row.oldest === null || BigInt(from) < BigInt(row.oldest) ? from : row.oldest;
    this.#of = { from: first, open: open.filter((xid) => BigInt(xid) < BigInt(first)) };
    return row;
  }
}
