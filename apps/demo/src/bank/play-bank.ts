/** The scene of the bank: recorded payments of the demo's users, one every few seconds, over and over. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../desk/clock.ts";
import { type Random, wholeOf } from "../desk/random.ts";
import type { Publisher } from "../publisher.ts";
import { Bank } from "./bank.ts";
import type { BankEvent } from "./events.ts";
import { BANK_USERS, type BankRecord, readRecords } from "./records.ts";
import type { Wallet } from "./wallet.ts";

export interface BankSceneOptions {
  readonly speed: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly publisher: Pick<Publisher, "publish">;
  /** The wallets as they stand before the scene begins. */
  readonly wallets: readonly Wallet[];
  readonly onFault: (error: unknown) => void;
}

const SOURCE = "demo/bank";
const TENANTS: ReadonlyMap<string, string> = new Map(BANK_USERS.map(({ userId, tenant }) => [userId, tenant]));
const TURN_MS = { least: 1500, most: 4000 };
/** A newcomer begins shortly before the recording's first fraud is found: the first record of this step of the transfers. */
const FIRST_STEP = "51";

/** Resolves when what an earlier start left is in order and the first turn is due; goes on until closed. */
export async function playBank(options: BankSceneOptions): Promise<{ close(): Promise<void> }> {
  const { speed, clock, random, publisher, wallets, onFault } = options;
  const run = `${clock.now().toString(36)}${randomBytes(2).toString("hex")}`;
  const newId = idsOf(`demo-tx-${run}-`);
  const newEventId = idsOf(`${run}/`);
  const bank = new Bank({ wallets, newId, random });
  const records = endless(readRecords());
  const publish = async (events: readonly BankEvent[]) => {
    const time = new Date(clock.now()).toISOString();
    if (events.length > 0) await publisher.publish(events.map((event) => lineOf(event, newEventId(), time)));
  };

  let isClosed = false;
  let callOff = () => {};
  /** What is being published; turns never overlap. */
  let turn = Promise.resolve();
  const next = () => {
    callOff = clock.after(wholeOf(TURN_MS, random) / speed, () => {
      turn = publish(bank.turn(records.next().value, clock.now())).then(() => {
        if (!isClosed) next();
      }, onFault);
    });
  };
  await publish(bank.begin());
  next();
  return {
    /** No transaction stays open: nobody would ever end it. */
    async close() {
      isClosed = true;
      callOff();
      await turn;
      await publish(bank.end());
    },
  };
}

function lineOf({ type, data }: BankEvent, id: string, time: string): string {
  const { userId } = data;
  const tenantid = TENANTS.get(userId);
  if (tenantid === undefined) throw new Error(`${userId} has no tenant`);
  return JSON.stringify({ type, source: SOURCE, id, time, subject: userId, tenantid, data });
}

function idsOf(prefix: string): () => string {
  let numbers = 0;
  return () => `${prefix}${(++numbers).toString(36)}`;
}

function* endless(records: readonly BankRecord[]): Generator<BankRecord, never> {
  const first = records.findIndex(({ meta }) => meta["step"] === FIRST_STEP);
  for (let row = Math.max(0, first); ; row = (row + 1) % records.length) {
    const record = records[row];
    if (record === undefined) throw new Error("there are no records");
    yield record;
  }
}
