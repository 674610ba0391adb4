/**
 * The wire over NATS: the committed batch itself, published after the commit. Who may publish under `broadtape.>` can make nodes
 * show what is in no log: the server, or the account in it, has to be the nodes' own.
 */
import type { StoredEvent } from "@broadtape/protocol/event";
import { Hearers } from "../hearers.ts";
import type { Line } from "../line.ts";
import { digestOf, newWireMeter, type Wire, type WireMeter, type WireOptions, type WireStatus } from "../wire.ts";
import { wireLine } from "../wire-line.ts";
import { dialNats, type NatsLine } from "./connection.ts";
import { Inbox } from "./inbox.ts";
import { decode, encodeBatches, encodeWake } from "./message.ts";
import { type NatsPlace, serversOf } from "../../nats/place.ts";
import { type NatsSizes, SIZES } from "./sizes.ts";

/** Returns at once, whether NATS is there or not. Throws where the place is none. */
export function openNatsWire(place: NatsPlace, options: WireOptions, sizes: NatsSizes = SIZES): Wire {
  return new NatsWire(place, options, sizes);
}

class NatsWire implements Wire {
  readonly meter: WireMeter = newWireMeter();
  readonly #options: WireOptions;
  readonly #hearers = new Hearers(this.meter);
  readonly #inbox: Inbox;
  readonly #line: Line<NatsLine>;

  constructor(place: NatsPlace, options: WireOptions, sizes: NatsSizes) {
    this.#options = options;
    this.#inbox = new Inbox({
      limitBytes: sizes.inboxBytes,
      turnBytes: sizes.turnBytes,
      hear: (bytes) => this.#hear(bytes),
      onOverflow: (messages) => {
        this.meter.dropped += messages;
        this.#hearers.wake();
      },
    });
    const dial = {
      servers: serversOf(place),
      subject: subjectOf(options),
      greeting: encodeWake(options),
      hear: (bytes: Uint8Array) => this.#inbox.push(bytes),
      sizes,
    };
    this.#line = wireLine({
      dial: () => dialNats(dial),
      backoff: sizes.backoff,
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
    const { connection } = this.#line;
    if (connection === undefined) {
      this.meter.unsent += 1;
      return;
    }
    for (const message of encodeBatches(this.#options, batch, connection.maxMessageBytes)) {
      if (connection.send(message)) this.meter.announced += 1;
      else this.meter.unsent += 1;
    }
  }

  onBatch(hear: (batch: readonly StoredEvent[]) => void): () => void {
    return this.#hearers.onBatch(hear);
  }

  onWake(hear: () => void): () => void {
    return this.#hearers.onWake(hear);
  }

  async close(): Promise<void> {
    this.#hearers.clear();
    this.#inbox.close();
    await this.#line.close();
  }

  #hear(bytes: Uint8Array): void {
    const message = decode(bytes);
    if (message === undefined) this.meter.malformed += 1;
    else if (message.node === this.#options.node || message.epoch !== this.#options.epoch) this.meter.ignored += 1;
    else if (message.events.length === 0) this.#hearers.wake();
    else this.#hearers.tell(message.events);
  }
}

export function subjectOf(options: WireOptions): string {
  return `broadtape.log.${digestOf(options)}`;
}
