/**
 * append → apply → route: brings views and followers along the log, each event once and in log order, whoever stored it.
 * Own batches are applied from memory; what other nodes stored (decision 0007) is read from the log.
 *
 * Invariant: everything up to `routedTo`, and nothing after it, is in the views and was handed to its followers.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import { type Appended, type Log, LogEnded, type SharedLog } from "../log/log.ts";
import { domainEvent } from "./history.ts";
import { Instants } from "./instants.ts";
import type { Meter } from "./meter.ts";
import type { Product } from "./product.ts";
import { Reading, type ReadingOwner, batchesOf, readAfter } from "./reading.ts";
import { Ring } from "./ring.ts";
import { type Applied, type RouteHost, apply, route } from "./route.ts";
import type { Wire } from "../wire/wire.ts";
import type { Wheel } from "./wheel.ts";

export interface ApplyingOptions {
  readonly log: Log | SharedLog;
  /** Carries what nodes store to each other; without it they find it in the log. */
  readonly wire?: Wire | undefined;
  readonly wheel: Wheel;
  readonly meter: Meter;
  readonly limits: { readonly ringEvents: number; readonly ringBytes: number };
  readonly routing: RouteHost;
  productOf(type: string): Product | undefined;
  readonly onFault: (error: unknown) => void;
  /** Called after each batch, when its followers have been told. */
  readonly onRouted: () => void;
  /** Undefined, or what has to be waited for before anybody is told anything (`Cluster.awake`). */
  readonly awake: () => Promise<void> | undefined;
  /** What follows is no longer in the log: this node was away for longer than events are kept, and goes along no further. */
  readonly onLost: (error: Error) => void;
}

const FOLD_PAGE = 5000;

export class Applying implements ReadingOwner {
  readonly #options: ApplyingOptions;
  readonly #hearers: ((stored: StoredEvent) => void)[] = [];
  readonly #instants = new Instants();
  /** Reads what others stored. */
  readonly #reading: Reading;
  #ring: Ring;
  #routedTo: Offset = 0;
  #isOpen = false;
  /** Own batches on their way. */
  #own = 0;
  /** Settles when what was on its way has been applied. */
  #idle: Promise<unknown> = Promise.resolve();
  /** Asks the log where it stands; `#isAskedAgain` where it was asked for once more meanwhile. */
  #refreshing: Promise<void> | undefined;
  /** As {@link Applying.catchUp}: what is under way, and what was asked for since. */
  #catchingUp: Promise<unknown> = Promise.resolve();
  #catchingUpNext: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(options: ApplyingOptions) {
    this.#options = options;
    this.#ring = new Ring(0, { events: options.limits.ringEvents, bytes: options.limits.ringBytes });
    const onGone = (error: LogEnded) => {
      this.#isOpen = false;
      options.onLost(error);
    };
    this.#reading = new Reading({ ...options, onGone }, this);
  }

  /** Newest offset that views hold and followers were told of. */
  get routedTo(): Offset {
    return this.#routedTo;
  }

  get ring(): Ring {
    return this.#ring;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get awaitsOwn(): boolean {
    return this.#own > 0;
  }

  /** When the event at an offset was stored, about; see {@link Instants}. */
  storedAt(offset: Offset): number {
    return this.#instants.at(offset);
  }

  /** Hears of every event once it was routed, in log order. */
  onStored(hear: (stored: StoredEvent) => void): void {
    this.#hearers.push(hear);
  }

  /**
   * Folds the log's events after `after` into the views, telling nobody; from then on it goes along with the log. Rejects with LogEnded
   * where retention has taken some of them meanwhile: another node's checkpoint has them, and a new start finds that.
   */
  async open(after: Offset): Promise<void> {
    const { log, limits, routing } = this.#options;
    let upTo = after;
    for (let isComplete = false; !isComplete;) {
      const page = await readAfter(log, upTo, FOLD_PAGE).catch((error: unknown) => {
        throw error instanceof RangeError ? new LogEnded(error.message, { cause: error }) : error;
      });
      for (const stored of page.events) {
        const product = this.#options.productOf(stored.type);
        if (product !== undefined) routing.views.fold(product, domainEvent(stored));
      }
      upTo = page.upTo;
      isComplete = page.complete;
    }
    this.#routedTo = upTo;
    this.#instants.add(upTo, log.bounds().headStoredAt);
    this.#ring = new Ring(upTo, { events: limits.ringEvents, bytes: limits.ringBytes });
    this.#isOpen = true;
    if ("onMoved" in log) {
      log.onMoved(() => this.#reading.moved());
      this.#options.wire?.onBatch((batch) => this.#offered(batch));
      this.#options.wire?.onWake(() => this.#refresh());
    }
    this.#reading.moved();
  }

  /** Goes along no further; resolves when everything that was on its way is applied. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#idle;
    await this.#reading.idle();
  }

  /**
   * Applies an own batch when the log has it: after everything that stands before it. Resolves then; rejects as `appending` does, and
   * with what the log says where what others stored before it cannot be read now: the batch is stored all the same then.
   */
  async own(appending: Promise<readonly Appended[]>, batchOf: (appended: readonly Appended[]) => readonly Applied[]): Promise<void> {
    this.#own += 1;
    const applying = this.#applyOwn(appending, batchOf);
    this.#idle = Promise.allSettled([this.#idle, applying]);
    try {
      await applying;
    } finally {
      this.#own -= 1;
      this.#reading.moved();
    }
  }

  async #applyOwn(appending: Promise<readonly Appended[]>, batchOf: (appended: readonly Appended[]) => readonly Applied[]): Promise<void> {
    const batch = batchOf(await appending);
    const [first] = batch;
    const last = batch.at(-1);
    if (first === undefined || last === undefined) return;
    // Also where it is behind by now: others may be waiting for it.
    this.#options.wire?.announce(batch.map(({ stored }) => stored));
    const awake = this.#options.awake();
    if (awake !== undefined) await awake;
    // In the turn of its own answer where nothing stands between, so that batches are applied in the order of their answers.
    while (this.#routedTo < first.stored.offset - 1) await this.#reading.read();
    if (this.#routedTo < last.stored.offset) this.#apply(batch, last.stored);
  }

  /** Applies at least everything that was stored when this was asked. Rejects with what the log says where it cannot be read. */
  catchUp(): Promise<void> {
    // What is under way has asked the log before; whoever else comes meanwhile shares the next.
    this.#catchingUpNext ??= this.#catchingUp.then(async () => {
      this.#catchingUpNext = undefined;
      const { log } = this.#options;
      if ("refresh" in log) await log.refresh();
      await this.applyKnown();
    });
    this.#catchingUp = this.#catchingUpNext.catch(() => undefined);
    return this.#catchingUpNext;
  }

  /** Applies at least everything of which this process knows that it is stored. */
  async applyKnown(): Promise<void> {
    await this.#reading.readTo(this.#options.log.bounds().head);
  }

  /** What another node stored, brought by the wire: applied where it joins, else the log is asked. */
  #offered(batch: readonly StoredEvent[]): void {
    if (!this.#isOpen) return;
    if (this.#options.awake() !== undefined) {
      // It is read, and told, after that.
      this.#refresh();
      return;
    }
    for (const each of batchesOf(batch)) {
      const [first] = each;
      const last = each.at(-1);
      if (first === undefined || last === undefined || last.offset <= this.#routedTo) continue;
      if (first.offset !== this.#routedTo + 1) {
        this.#refresh();
        return;
      }
      this.applyStored(each, last);
      const { log } = this.#options;
      if ("heard" in log) log.heard(last);
    }
  }

  /** Asks a log that others write to as well. */
  #refresh(): void {
    const { log } = this.#options;
    if (!("refresh" in log)) return;
    if (this.#refreshing !== undefined) {
      this.#isAskedAgain = true;
      return;
    }
    // A log that does not answer looks by itself when it does again, and tells of its move.
    const ended = () => {
      this.#refreshing = undefined;
      if (!this.#isAskedAgain || !this.#isOpen) return;
      this.#isAskedAgain = false;
      this.#refresh();
    };
    this.#refreshing = log.refresh().then(ended, ended);
  }

  /** What others stored. A type that no product of this node knows is passed over. */
  applyStored(batch: readonly StoredEvent[], last: StoredEvent): void {
    const applied = batch.flatMap((stored): Applied[] => {
      const product = this.#options.productOf(stored.type);
      return product === undefined ? [] : [{ product, stored, event: domainEvent(stored), receivedAt: 0 }];
    });
    this.#apply(applied, last);
  }

  #apply(batch: readonly Applied[], last: StoredEvent): void {
    const { routing, onRouted } = this.#options;
    const messages = apply(routing, batch);
    route(routing, messages);
    this.#routedTo = last.offset;
    this.#reading.reached();
    for (const { stored } of batch) this.#instants.add(stored.offset, stored.storedAt);
    onRouted();
    const lossless = messages.filter(({ key }) => key === undefined);
    this.#ring.add(last.offset, last.storedAt, lossless);
    for (const hear of this.#hearers) for (const { stored } of batch) hear(stored);
  }
}
