/**
 * The wire over PostgreSQL itself: LISTEN and NOTIFY on a connection of its own, without payload. A notification says no more than
 * that the log has to be read, so that one serves any number of commits. It is sent outside the transaction of the append: all
 * transactions that notify are committed one by one, in the whole cluster.
 *
 * Through a pooler, it needs a session of its own (PgBouncer: `pool_mode = session`).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { StoredEvent } from "@broadtape/protocol/event";
import { openPool } from "../../postgres/pool.ts";
import { Hearers } from "../hearers.ts";
import type { Line } from "../line.ts";
import { digestOf, newWireMeter, type Wire, type WireMeter, type WireOptions, type WireStatus } from "../wire.ts";
import { wireLine } from "../wire-line.ts";
import { dialListen, type ListenLine } from "./connection.ts";
import { type ListenTimes, TIMES } from "./times.ts";

/** The database of the log: notifications do not leave it. */
export interface ListenPlace {
  readonly url: string;
}

/** Returns at once, whether the database is there or not. */
export function openListenNotifyWire(place: ListenPlace, options: WireOptions, times: ListenTimes = TIMES): Wire {
  return new ListenNotifyWire(place, options, times);
}

class ListenNotifyWire implements Wire {
  readonly meter: WireMeter = newWireMeter();
  readonly #hearers = new Hearers(this.meter);
  readonly #times: ListenTimes;
  readonly #pool: Pool;
  readonly #line: Line<ListenLine>;
  /** Whether something was announced after the last notification was sent. */
  #isDue = false;
  #isNotifying = false;
  #closing: Promise<void> | undefined;

  constructor({ url }: ListenPlace, options: WireOptions, times: ListenTimes) {
    this.#times = times;
    this.#pool = openPool({
      url,
      name: "broadtape wire",
      connections: 1,
      connectMs: times.connectMs,
      // What is lost with a crash of the database was not worth a sync: everybody connects again.
      settings: { synchronous_commit: "off" },
    });
    const dial = {
      pool: this.#pool,
      channel: `broadtape_${digestOf(options)}`,
      hear: () => this.#hearers.wake(),
      hearOwn: () => (this.meter.ignored += 1),
      times,
    };
    this.#line = wireLine({
      dial: () => dialListen(dial),
      backoff: times.backoff,
      hearers: this.#hearers,
      meter: this.meter,
      wire: options,
    });
  }

  get status(): WireStatus {
    return this.#line.status;
  }

  announce(batch: readonly StoredEvent[]): void {
    if (batch.length === 0) return;
    if (this.#line.connection === undefined) {
      this.meter.unsent += 1;
      return;
    }
    this.#isDue = true;
    if (!this.#isNotifying) void this.#notify();
  }

  onBatch(): () => void {
    return () => undefined;
  }

  onWake(hear: () => void): () => void {
    return this.#hearers.onWake(hear);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#hearers.clear();
    await this.#line.close();
    // It has no connection any more, or one that is being made and ends as soon as it is.
    void this.#pool.end();
  }

  /** The first at once, the next when the last one is done and long enough ago. */
  async #notify(): Promise<void> {
    this.#isNotifying = true;
    for (let line = this.#line.connection; this.#isDue && line !== undefined; line = this.#line.connection) {
      this.#isDue = false;
      await Promise.all([this.#notifyOn(line), delay(this.#times.apartMs)]);
    }
    this.#isNotifying = false;
  }

  async #notifyOn(line: ListenLine): Promise<void> {
    try {
      await line.notify();
      this.meter.announced += 1;
    } catch {
      // The connection is lost with it; the next one begins with a notification.
      this.meter.unsent += 1;
    }
  }
}
