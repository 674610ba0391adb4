/** One RFQ from the request to its end: what was published of it, and what is still to happen to it. */
import { isDeepStrictEqual } from "node:util";
import type { Decimal } from "@broadtape/protocol/money";
import { isFinal, foldRfq, type Quote, type Rfq, type RfqStatus } from "@broadtape/protocol/products/rfq/state";
import { rankedQuotes } from "@broadtape/protocol/products/rfq/ranking";
import { msOf } from "@broadtape/protocol/products/rfq/schema";
import type { EventData } from "@broadtape/protocol/catalogue";
import type { Clock } from "./clock.ts";
import type { WriteDeal } from "./deal-book.ts";
import type { DeskEvent } from "./events.ts";
import type { Outcome } from "./tape.ts";

/** Who asks: a user of a tenant. */
export interface Trader {
  readonly userId: string;
  readonly tenant: string;
}

/** A provider's answer, as `quote.received` words it. */
export interface ProviderQuote {
  readonly quoteId: string;
  readonly lpId: string;
  readonly lpName: string;
  readonly status: "valid" | "rejected";
  readonly bidPrice?: Decimal;
  readonly askPrice?: Decimal;
  readonly bidSize?: Decimal;
  readonly askSize?: Decimal;
  readonly expiresAt?: string;
}

export interface Trade {
  readonly tradeId: string;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly side: "buy" | "sell";
  readonly quoteId: string;
  readonly lpId: string;
}

export interface RfqPorts {
  readonly clock: Clock;
  /** Publishes events of this RFQ, in the order of the calls, and others' lines with them. */
  readonly write: (events: readonly DeskEvent[], alongside?: readonly string[]) => Promise<Outcome>;
  /** Hears once that it ended. */
  readonly onEnd: () => void;
}

/** Between the end of its time and `rfq.expired`: the server's countdown shows its 0 before the RFQ is gone. */
const LAST_ZERO_MS = 100;

export class RfqOnDesk {
  readonly trader: Trader;
  readonly #ports: RfqPorts;
  /** Folded from everything that was written, by the fold of the server's own view. */
  #rfq: Rfq;
  /** What is still to happen; empty once the RFQ has ended. */
  readonly #pending = new Set<() => void>();
  #callOffEnd: () => void;
  #isOver = false;
  /** Resolves when `rfq.created` is stored. */
  readonly created: Promise<Outcome>;

  constructor(trader: Trader, data: EventData<"rfq.created">, ports: RfqPorts) {
    this.trader = trader;
    this.#ports = ports;
    const event: DeskEvent = { type: "rfq.created", data };
    const rfq = foldRfq(undefined, event);
    if (rfq === undefined) throw new Error("an RFQ begins with rfq.created");
    this.#rfq = rfq;
    this.created = this.#write([event]);
    this.#callOffEnd = this.#endWhenTimeIsUp();
  }

  get rfq(): Rfq {
    return this.#rfq;
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  get isTimeUp(): boolean {
    return this.#ports.clock.now() >= msOf(this.#rfq.expiresAt);
  }

  get status(): RfqStatus {
    return this.#rfq.status;
  }

  /** Does something after so long, unless the RFQ ends before; the answer calls it off. */
  later(ms: number, act: () => void): () => void {
    if (this.#isOver) return () => undefined;
    const timer = this.#ports.clock.after(ms, () => {
      this.#pending.delete(callOff);
      act();
    });
    const callOff = () => {
      this.#pending.delete(callOff);
      timer();
    };
    this.#pending.add(callOff);
    return callOff;
  }

  validate(): void {
    this.#tell({ type: "rfq.validated", data: { rfqId: this.#rfq.id } });
  }

  distribute(lpCount: number): void {
    this.#tell({ type: "rfq.distributed", data: { rfqId: this.#rfq.id, lpCount } });
  }

  /** A new quote, or a known one changed; ranked at once. The first that stands makes the RFQ `quoted`. */
  quote(data: ProviderQuote): void {
    const rfqId = this.#rfq.id;
    const received: DeskEvent = { type: "quote.received", data: { ...data, rfqId } };
    if (data.status !== "valid") {
      this.#tell(received);
      return;
    }
    const isFirst = this.#rfq.status === "distributed";
    this.#tell(received, ...this.#ranked(received), ...(isFirst ? [{ type: "rfq.quoted", data: { rfqId } } as const] : []));
  }

  /** A quote lapsed or was withdrawn. */
  expireQuote(quoteId: string, lpId: string): void {
    const expired: DeskEvent = { type: "quote.expired", data: { rfqId: this.#rfq.id, quoteId, lpId } };
    this.#tell(expired, ...this.#ranked(expired));
  }

  extend(ms: number): void {
    const newExpiresAt = new Date(msOf(this.#rfq.expiresAt) + ms).toISOString();
    this.#tell({ type: "rfq.extended", data: { rfqId: this.#rfq.id, newExpiresAt } });
    this.#callOffEnd();
    this.#callOffEnd = this.#endWhenTimeIsUp();
  }

  /** Over at once, stored when `settle` writes it; "refused" where the log knows of another end. */
  fill(trade: Trade, settle: (write: WriteDeal) => Promise<Outcome>): Promise<Outcome> {
    return this.#end({ type: "rfq.filled", data: { ...trade, rfqId: this.#rfq.id } }, settle);
  }

  cancel(reason: string): Promise<Outcome> {
    return this.#end({ type: "rfq.cancelled", data: { rfqId: this.#rfq.id, reason } });
  }

  /** The quotes that stand now. */
  get standing(): readonly Quote[] {
    const now = this.#ports.clock.now();
    return this.#rfq.quotes.filter(({ status, expiresAt }) => status === "valid" && (expiresAt === undefined || msOf(expiresAt) > now));
  }

  #endWhenTimeIsUp(): () => void {
    return this.later(msOf(this.#rfq.expiresAt) + LAST_ZERO_MS - this.#ports.clock.now(), () => {
      void this.#end({ type: "rfq.expired", data: { rfqId: this.#rfq.id } });
    });
  }

  /** As the server's view ranks what stands after this event, for those who only listen; nothing where that was said before. */
  #ranked(event: DeskEvent): DeskEvent[] {
    const after = foldRfq(this.#rfq, event) ?? this.#rfq;
    const standing = rankedQuotes({ ...after, ranks: {} }).filter(({ status }) => status === "valid");
    const rankings = standing.map(({ id: quoteId, ranking, isBestBid, isBestAsk }) => ({ quoteId, ranking, isBestBid, isBestAsk }));
    const ranked: DeskEvent = { type: "quotes.ranked", data: { rfqId: this.#rfq.id, rankings } };
    const isKnown = isDeepStrictEqual(foldRfq(after, ranked)?.ranks, after.ranks);
    return isKnown ? [] : [ranked];
  }

  #tell(...events: readonly DeskEvent[]): void {
    if (this.#isOver) return;
    for (const event of events) this.#rfq = foldRfq(this.#rfq, event) ?? this.#rfq;
    void this.#write(events);
  }

  async #end(event: DeskEvent, settle = (write: WriteDeal) => write([])): Promise<Outcome> {
    if (this.#isOver) return "refused";
    this.#rfq = foldRfq(this.#rfq, event) ?? this.#rfq;
    if (!isFinal(this.#rfq.status)) throw new Error(`${event.type} is no end`);
    this.#close();
    return settle((alongside) => this.#ports.write([event], alongside));
  }

  async #write(events: readonly DeskEvent[]): Promise<Outcome> {
    const outcome = await this.#ports.write(events);
    // Somebody else has published an end of it: the log is right.
    if (outcome === "refused") this.#close();
    return outcome;
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const callOff of [...this.#pending]) callOff();
    this.#ports.onEnd();
  }
}
