/** What the contract tests of the wire stand on. */
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Wire, WireOptions, WireStatus } from "./wire.ts";

/** A server that wires meet at, and that can be away. */
export interface WirePlace {
  open(options: WireOptions): Wire;
  /** In the middle of whatever it does: all connections are lost, and no others are to be had. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  remove(): Promise<void>;
}

const EPOCH = 7;
let nodes = 0;

/** A node that notes what it hears. */
export class Node {
  readonly wire: Wire;
  readonly batches: (readonly StoredEvent[])[] = [];
  readonly statuses: [status: WireStatus, reason: string | undefined][] = [];
  wakes = 0;

  constructor(place: WirePlace, options: Partial<WireOptions> = {}) {
    this.wire = place.open({
      node: `node-${++nodes}`,
      log: "log",
      epoch: EPOCH,
      onStatus: (status, error) => this.statuses.push([status, error?.message]),
      ...options,
    });
    this.wire.onBatch((batch) => this.batches.push(batch));
    this.wire.onWake(() => (this.wakes += 1));
  }

  get offsets(): number[] {
    return this.batches.flat().map(({ offset }) => offset);
  }
}

/** Publish batches of these sizes, one after the other. */
export function newBatches(first: number, sizes: readonly number[], fields: Partial<StoredEvent> = {}): StoredEvent[] {
  let next = first;
  return sizes.flatMap((size) => {
    const batch = next;
    next += size;
    return Array.from({ length: size }, (_, index) => newEvent(batch + index, { batch, ...fields }));
  });
}

export function newEvent(offset: number, fields: Partial<StoredEvent> = {}): StoredEvent {
  return {
    offset,
    batch: offset,
    storedAt: 1_800_000_000_000 + offset,
    tenant: "acme",
    type: "rfq.created",
    source: "desk",
    id: `id-${offset}`,
    time: "2026-11-20T12:00:00.000Z",
    subject: undefined,
    correlationId: `c-${offset}`,
    data: `{"id":"id-${offset}"}`,
    ...fields,
  };
}

/** A log that all nodes of a test read: what no wire tells of is there. */
export class SharedTape {
  readonly events: StoredEvent[] = [];

  append(size: number): readonly StoredEvent[] {
    const batch = newBatches(this.events.length + 1, [size]);
    this.events.push(...batch);
    return batch;
  }
}

/** A reader as the port describes it: by offsets, and never by the clock. */
export class Reader {
  readonly read: StoredEvent[] = [];
  readonly #tape: SharedTape;

  constructor(wire: Wire, tape: SharedTape) {
    this.#tape = tape;
    wire.onBatch((batch) => this.#take(batch));
    wire.onWake(() => this.#catchUp(tape.events.length));
  }

  #take(batch: readonly StoredEvent[]): void {
    const [first] = batch;
    if (first === undefined) throw new Error("a batch without events");
    this.#catchUp(Math.min(first.offset - 1, this.#tape.events.length));
    for (const event of batch) if (event.offset === this.read.length + 1) this.read.push(event);
  }

  #catchUp(until: number): void {
    this.read.push(...this.#tape.events.slice(this.read.length, Math.max(this.read.length, until)));
  }
}
