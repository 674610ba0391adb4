/** Where the log stands, as the database says. */
import type { PoolClient } from "pg";
import type { LogBounds } from "../log.ts";
import { LOCK, PARTITION } from "./tables.ts";

export interface Head extends LogBounds {
  readonly epoch: number;
  /** Offsets up to here have their tables, as far as they are not behind the oldest event. */
  readonly segmentsTo: number;
}

interface HeadRow {
  oldest: number;
  head: number;
  stored_at: number;
  epoch: string;
  segments_to: number | null;
}

const HEAD = {
  name: "head",
  text: `select oldest, head, stored_at,
    (select value from meta where key = 'epoch') as epoch,
    (select max(last) from segments) as segments_to
    from heads where partition = '${PARTITION}'`,
};

/** Begins a transaction that has the log to itself. */
export const BEGIN_LOCKED = `begin; ${LOCK}`;

/** To be sure of what comes next, inside {@link BEGIN_LOCKED}. */
export async function readHead(client: PoolClient): Promise<Head> {
  const [row] = (await client.query<HeadRow>(HEAD)).rows;
  if (row === undefined) throw new Error(`the log has no partition ${PARTITION}`);
  const bounds = { oldest: row.oldest, head: row.head, headStoredAt: row.stored_at };
  return { ...bounds, epoch: Number(row.epoch), segmentsTo: row.segments_to ?? row.head };
}

const MOVE_OLDEST = { name: "move-oldest", text: `update heads set oldest = $1 where partition = '${PARTITION}'` };

export async function moveOldest(client: PoolClient, oldest: number): Promise<void> {
  await client.query({ ...MOVE_OLDEST, values: [oldest] });
}
