/** The SDK's clients of single products: prices, RFQs, alerts. */
import { MarketDataClient } from "@broadtape/client";
import { RfqStreamingClient } from "@broadtape/client/rfq";
import { StreamClient } from "@broadtape/client/streams";
import { type Journal, differences, offsetsOf } from "./journal.ts";
import { SYMBOLS } from "./publishers.ts";
import { RECONNECTION_DELAY_MS, type Reader, type ReaderContext, bearerOf, leak, missing, offsetOf } from "./reader.ts";

/** Prices: never an older one after a newer, and in the end the last. */
export class PriceReader implements Reader {
  readonly #context: ReaderContext;
  readonly #client: MarketDataClient;
  readonly #last = new Map<string, number>();

  private constructor(context: ReaderContext, client: MarketDataClient) {
    this.#context = context;
    this.#client = client;
  }

  static async open(context: ReaderContext, maxUpdatesPerSecond: number | undefined): Promise<PriceReader> {
    const { random, urls, tenant, onViolation } = context;
    const client = new MarketDataClient({
      url: random.oneOf(urls),
      token: await bearerOf(context),
      reconnectionDelay: RECONNECTION_DELAY_MS,
    });
    const reader = new PriceReader(context, client);
    const { errors } = await client.subscribe(
      SYMBOLS,
      ({ symbol, eventId, bestBid }) => {
        const offset = offsetOf(eventId);
        if (offset < (reader.#last.get(symbol) ?? 0)) onViolation(`${symbol} went back from ${reader.#last.get(symbol)} to ${offset}`);
        if (bestBid?.source !== tenant) onViolation(`${symbol} is a price of ${String(bestBid?.source)}`);
        reader.#last.set(symbol, offset);
      },
      { maxUpdatesPerSecond },
    );
    if (errors !== undefined) onViolation(errors.join());
    return reader;
  }

  settle(): void {
    // It never moves.
  }

  behind(journal: Journal): string | undefined {
    const state = this.#client.tape.status.get().state;
    if (state !== "live") return `is ${state}`;
    for (const symbol of SYMBOLS) {
      const last = offsetsOf(journal, this.#context.tenant, [`symbol:${symbol}`]).at(-1);
      if (last !== this.#last.get(symbol)) return `${symbol} is at ${this.#last.get(symbol)}, the last price at ${last}`;
    }
    return undefined;
  }

  faults(journal: Journal): string[] {
    const behind = this.behind(journal);
    return behind === undefined ? [] : [behind];
  }

  close(): void {
    this.#client.disconnect();
  }
}

/** A trader's feed, and each of the RFQs on it. */
export class RfqReader implements Reader {
  readonly #context: ReaderContext;
  readonly #client: RfqStreamingClient;
  readonly #told: number[] = [];

  private constructor(context: ReaderContext, client: RfqStreamingClient) {
    this.#context = context;
    this.#client = client;
  }

  static async open(context: ReaderContext): Promise<RfqReader> {
    const { random, urls, tenant, onViolation } = context;
    const onError = (error: unknown) => onViolation(`a callback threw ${String(error)}`);
    const client = new RfqStreamingClient({
      url: random.oneOf(urls),
      token: await bearerOf(context),
      reconnectionDelay: RECONNECTION_DELAY_MS,
      onError,
    });
    const reader = new RfqReader(context, client);
    for (const name of ["rfq:created", "rfq:filled", "rfq:expired", "rfq:cancelled"] as const)
      client.on(name, ({ eventId = "", rfqId = "" }) => {
        reader.#told.push(offsetOf(eventId));
        if (!rfqId.startsWith(`${tenant}-`)) onViolation(`was told of ${rfqId}`);
      });
    await client.subscribeToTrader();
    return reader;
  }

  settle(): void {
    // It never moves.
  }

  behind(journal: Journal): string | undefined {
    const state = this.#client.tape.status.get().state;
    return state === "live" ? missing(this.#expected(journal), new Set(this.#told)) : `is ${state}`;
  }

  faults(journal: Journal): string[] {
    return differences(this.#expected(journal), this.#told);
  }

  close(): void {
    this.#client.disconnect();
  }

  #expected(journal: Journal): number[] {
    const types = ["rfq.created", "rfq.filled", "rfq.expired", "rfq.cancelled"];
    return offsetsOf(journal, this.#context.tenant, [`trader:${this.#context.user}`], ({ type }) => types.includes(type));
  }
}

/** An event stream of contract part 5. */
export class AlertReader implements Reader {
  readonly #context: ReaderContext;
  readonly #client: StreamClient;
  readonly #told: number[] = [];

  constructor(context: ReaderContext) {
    const { random, urls, onViolation } = context;
    this.#context = context;
    this.#client = new StreamClient({
      url: random.oneOf(urls),
      stream: "alerts",
      token: () => bearerOf(context),
      onError: (error) => onViolation(`an error: ${String(error)}`),
    });
    this.#client.on("alert:new", (message) => {
      this.#told.push(offsetOf(message.eventId));
      const leaked = leak(context, message);
      if (leaked !== undefined) onViolation(leaked);
    });
    this.#client.on("resync", ({ reason }) => onViolation(`had to begin anew: ${reason}`));
  }

  settle(): void {
    // A stream that was refused once is opened again by whoever looks at it.
    this.#client.connect();
  }

  behind(journal: Journal): string | undefined {
    const { state, reason } = this.#client.status.get();
    return state === "live" ? missing(this.#expected(journal), new Set(this.#told)) : `is ${state} (${reason ?? "no reason"})`;
  }

  faults(journal: Journal): string[] {
    return differences(this.#expected(journal), this.#told);
  }

  close(): void {
    this.#client.close();
  }

  #expected(journal: Journal): number[] {
    const { tenant, user } = this.#context;
    return offsetsOf(journal, tenant, [`alerts:${user}`]);
  }
}
