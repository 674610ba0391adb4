/**
 * The engine's witness, for operators: what was written and acknowledged, refused and limited, and how the last hour was. All of
 * it in memory of fixed size; what is asked of it is put together by `desk.ts`.
 */
import type { Clock } from "../engine/clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { Sequence } from "../engine/sequence.ts";
import type { Asker, Recipient, RefusedPublish, Witness } from "../engine/witness.ts";
import { History, type Host } from "./history.ts";
import { Ledger, type LedgerSizes } from "./ledger.ts";
import { LimitHits } from "./limit-hits.ts";
import { Refusals } from "./refusals.ts";

export interface WatchOptions {
  readonly clock: Clock;
  readonly host: Host;
  /** What an error is answered with over HTTP. */
  readonly statusOf: (error: unknown) => number;
  readonly ledgerSizes?: LedgerSizes | undefined;
}

export class Watch implements Witness {
  readonly ledger: Ledger;
  readonly history: History;
  readonly refusals: Refusals;
  readonly limits: LimitHits;
  readonly startedAt: number;

  constructor({ clock, host, statusOf, ledgerSizes }: WatchOptions) {
    this.startedAt = clock.now();
    this.ledger = new Ledger(clock.monotonic(), ledgerSizes);
    this.history = new History(host);
    this.refusals = new Refusals({ clock, statusOf });
    this.limits = new LimitHits(clock);
  }

  observe(engine: Engine): void {
    this.history.observe(engine);
  }

  publishToWrite(seconds: number): void {
    this.history.latency.observe(seconds * 1000);
  }

  storedToWrite(seconds: number): void {
    this.history.stored.observe(seconds * 1000);
  }

  wrote(sequence: Sequence, to: Recipient, now: number): void {
    this.ledger.wrote(sequence, to, now);
  }

  acked(by: Recipient, offsets: readonly number[], now: number): void {
    this.ledger.acked(by, offsets, now);
  }

  refused(publish: RefusedPublish): void {
    this.refusals.add(publish);
  }

  limited(asker: Asker, code: string, message: string): void {
    this.limits.add(asker, code, message);
  }
}
