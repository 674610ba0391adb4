/** Services that publish batches over HTTP, by NATS requests and in SQL, and repeat under the same ids what was not answered. */
import { setTimeout as passed } from "node:timers/promises";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { Client } from "pg";
import { publisherToken } from "../../contract/server.ts";
import { orderCreated } from "../../contract/trading-order.ts";
import type { Random } from "./random.ts";
import type { Site } from "./site.ts";

export const TENANTS = ["tenant", "other"] as const;
export type Tenant = (typeof TENANTS)[number];
export const USERS = ["u0", "u1", "u2", "u3"] as const;
export const SYMBOLS = ["EURUSD", "GBPUSD", "USDJPY"] as const;

export interface Draft {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data: object;
}

/** A batch that was answered as stored; offsets are unknown where it was staged in a transaction. */
export interface Acknowledged {
  readonly tenant: Tenant;
  readonly events: readonly { readonly source: string; readonly id: string; readonly offset: number | undefined }[];
}

export type Way = "http" | "nats" | "sql";

type Answer = readonly { readonly offset: number | undefined }[] | "again" | { readonly refused: string };

export interface PublisherOptions {
  readonly site: Site;
  readonly random: Random;
  readonly way: Way;
  readonly tenant: Tenant;
  readonly source: string;
  readonly pauseMs: number;
  readonly onViolation: (what: string) => void;
}

/** An attempt without an answer by then is repeated. */
const PATIENCE_MS = 6000;
const RETRY_MS = 150;

export class Publisher {
  readonly acknowledged: Acknowledged[] = [];
  readonly tried = new Set<string>();
  retries = 0;
  readonly #options: PublisherOptions;
  readonly #life: Life;
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(options: PublisherOptions, doors: { readonly http: Door; readonly nats: Door; readonly sql: Door }) {
    this.#options = options;
    this.#life = new Life(options);
    this.#running = this.#run(doors[options.way]);
  }

  /** Resolves when its last batch was acknowledged. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(door: Door): Promise<void> {
    const { random, tenant, pauseMs, source, onViolation } = this.#options;
    while (!this.#isOver) {
      const events = this.#life.next();
      for (const { id } of events) this.tried.add(id);
      const answer = await this.#untilAnswered(door, events);
      if ("refused" in answer)
        onViolation(`${source} (${this.#options.way}) was refused ${events.map(({ type }) => type).join()}: ${answer.refused}`);
      else this.acknowledged.push({ tenant, events: events.map(({ id }, index) => ({ source, id, offset: answer[index]?.offset })) });
      await passed(random.between(0, 2 * pauseMs));
    }
  }

  async #untilAnswered(door: Door, events: readonly Draft[]): Promise<Exclude<Answer, "again">> {
    for (;;) {
      const answer = await door(this.#options.tenant, events).catch((): Answer => "again");
      if (answer !== "again") return answer;
      this.retries += 1;
      await passed(RETRY_MS);
    }
  }
}

/** What a service has to tell: money, orders, alerts, prices, and RFQs from their beginning to their end. */
class Life {
  readonly #options: PublisherOptions;
  readonly #rfqs: { readonly rfqId: string; step: number; readonly isQuick: boolean }[] = [];
  #last = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  next(): Draft[] {
    const { random } = this.#options;
    return Array.from({ length: random.is(0.2) ? 1 + random.below(8) : 1 }, () => this.#draft());
  }

  #draft(): Draft {
    const { random, tenant, source } = this.#options;
    const number = ++this.#last;
    const name = `${tenant}/${source}/${number}`;
    const userId = random.oneOf(USERS);
    const of = (type: string, data: object): Draft => ({ id: String(number), source, type, data });
    const chance = random.next();
    if (chance < 0.3) return of("trading.order.created", orderCreated(name, userId).data);
    if (chance < 0.6) {
      const transaction = {
        id: name,
        amount: `${number}.10`,
        currency: "NGN",
        type: "TRANSFER",
        status: "SUCCESS",
        createdAt: "2026-01-02T03:04:05Z",
      };
      return of("transaction.completed", { userId, transaction });
    }
    if (chance < 0.65) {
      const alert = { transactionId: name, riskScore: 0.5, reason: "unusual", action: "ALLOWED" };
      return of("fraud.alert", { userId, alert });
    }
    if (chance < 0.75) return of("alert.triggered", { userId, alertId: name, level: "info", message: name });
    if (chance < 0.87) {
      const side = (price: number) => ({ price, size: number, source: tenant });
      const data = {
        symbol: random.oneOf(SYMBOLS),
        bestBid: side(1 + number / 1000),
        bestAsk: side(1.1 + number / 1000),
        timestamp: Date.now(),
      };
      return of("market-data.best-price", data);
    }
    return this.#rfqStep(of, `${tenant}-${source}-${number}`, userId);
  }

  #rfqStep(of: (type: string, data: object) => Draft, name: string, traderId: string): Draft {
    const { random } = this.#options;
    const open = this.#rfqs.filter(({ isQuick }) => !isQuick);
    if (open.length < 2 || random.is(0.3)) {
      // Quick ones lapse by themselves, which the server says.
      const isQuick = random.is(0.3);
      this.#rfqs.push({ rfqId: name, step: 0, isQuick });
      const expiresAt = new Date(Date.now() + (isQuick ? random.between(2000, 15_000) : 3_600_000)).toISOString();
      return of("rfq.created", { rfqId: name, traderId, symbol: "EUR/USD", side: "buy", quantity: 5, expiresAt });
    }
    const rfq = random.oneOf(open);
    const { rfqId } = rfq;
    rfq.step += 1;
    switch (rfq.step) {
      case 1:
        return of("rfq.validated", { rfqId });
      case 2:
        return of("rfq.distributed", { rfqId, lpCount: 2 });
      case 3:
      case 4:
        return of("quote.received", {
          rfqId,
          quoteId: `q${rfq.step}`,
          lpId: `lp${rfq.step}`,
          bidPrice: rfq.step,
          askPrice: 9,
          status: "valid",
        });
      case 5:
        return of("rfq.quoted", { rfqId });
      default:
        this.#rfqs.splice(this.#rfqs.indexOf(rfq), 1);
        return random.is(0.5)
          ? of("rfq.filled", { rfqId, tradeId: name, price: 1.5, quantity: 5 })
          : of("rfq.cancelled", { rfqId, reason: "no longer" });
    }
  }
}

/** One attempt. Rejects where nobody knows what became of it. */
export type Door = (tenant: Tenant, events: readonly Draft[]) => Promise<Answer>;

/** Through nginx, or now and then past it. */
export function httpDoor({ cluster }: Site, random: Random): Door {
  const urls = [cluster.url, cluster.url, cluster.url, ...cluster.nodes.map(({ url }) => url)];
  return async (tenant, events) => {
    const response = await fetch(`${random.oneOf(urls)}/api/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${await publisherToken(tenant)}`, "content-type": "application/json" },
      body: JSON.stringify(events),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return answerOf(response.status, await response.text());
  };
}

function answerOf(status: number, text: string): Answer {
  if (status >= 500 || status === 429) return "again";
  if (status !== 200) return { refused: `${status} ${text}` };
  return (JSON.parse(text) as { results: { offset: number }[] }).results;
}

export async function natsDoor({ nats }: Site): Promise<{ readonly door: Door; close(): Promise<void> }> {
  const connection: NatsConnection = await connect({
    servers: nats.url,
    reconnectTimeWait: 100,
    maxReconnectAttempts: -1,
    pingInterval: 2000,
  });
  return {
    async door(tenant, events) {
      const own = headers();
      own.set("Authorization", `Bearer ${await publisherToken(tenant)}`);
      const message = await connection.request("broadtape.publish", JSON.stringify(events), { timeout: PATIENCE_MS, headers: own });
      const status = Number(message.headers?.get("Nats-Service-Error-Code") ?? "");
      return answerOf(status === 0 ? 200 : status, message.string());
    },
    close: () => connection.close(),
  };
}

/** In a transaction of its own. A commit that was not answered is staged again: the ids are the same. */
export function sqlDoor(site: Site): Door {
  return async (tenant, events) => {
    const client = new Client({ connectionString: site.servicesUrl, connectionTimeoutMillis: PATIENCE_MS, query_timeout: PATIENCE_MS });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const [source = ""] = events.map((event) => event.source);
      const batch = JSON.stringify(events.map(({ id, type, data }) => ({ id, type, data })));
      await client.query("begin");
      await client.query("select broadtape.publish($1, $2, $3::json)", [tenant, source, batch]);
      await client.query("commit");
      return events.map(() => ({ offset: undefined }));
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      // Of the function; everything else is the database's trouble.
      if (code === "22023" || code === "42501" || code === "54000") return { refused: String(error) };
      throw error;
    } finally {
      // Not waited for: the line may be silent.
      void client.end().catch(() => undefined);
    }
  };
}
