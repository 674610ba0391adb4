/** Devices that come, acknowledge, and go at random, and the load they live under; both from a seed. */
import { setTimeout as passed } from "node:timers/promises";
import { type TestServer, publish } from "../server.ts";
import { type FeedClient, type FeedClients, type Told, payment } from "./feed-client.ts";

export type Random = () => number;

/** Numbers of [0, 1) that the same seed makes again (mulberry32). */
export function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Published {
  readonly user: string;
  readonly amount: number;
  readonly eventId: string;
}

/** Publishes batches for all users until it is over; what dies with the server is published again as what it was. */
export async function load(
  server: () => TestServer,
  users: readonly string[],
  random: Random,
  isOver: () => boolean,
): Promise<Published[]> {
  const log: Published[] = [];
  for (let batch = 0; !isOver(); batch++) {
    const events = Array.from({ length: 1 + Math.floor(random() * 12) }, (_, index) => {
      const user = users[Math.floor(random() * users.length)] ?? "";
      const id = `${batch}-${index}`;
      const amount = Math.floor(random() * 100);
      return { user, amount, text: payment(user, id, { amount: `${amount}.00` }).replace("{", `{"source":"load","id":"${id}",`) };
    });
    const body = `[${events.map(({ text }) => text).join(",")}]`;
    const tellAll = () => publish(server().url, body).catch(() => undefined);
    let answer = await tellAll();
    for (; answer?.status !== 200; answer = await tellAll()) await passed(20);
    const { results } = answer.body;
    for (const [index, { user, amount }] of events.entries()) log.push({ user, amount, eventId: results[index]?.eventId ?? "" });
    await passed(random() * 4);
  }
  return log;
}

export class Device {
  readonly user: string;
  readonly minAmount: number;
  /** In the order in which they were told first. */
  readonly first = new Map<string, Told>();
  /** Told although {@link settle} had promised that they are not. */
  readonly toldAgain: string[] = [];
  #client: FeedClient | undefined;
  #ackedHere: string[] = [];
  readonly #settled = new Set<string>();
  readonly #clients: FeedClients;
  readonly #random: Random;

  constructor(clients: FeedClients, user: string, minAmount: number, random: Random) {
    this.#clients = clients;
    this.user = user;
    this.minAmount = minAmount;
    this.#random = random;
  }

  async subscribe(): Promise<void> {
    const client = await this.#open();
    await client.subscribe({ events: ["transaction"], filters: { minAmount: this.minAmount } });
    client.close();
    await client.closed;
  }

  /** Connection after connection, over either transport, until it is over. */
  async live(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const client = await Promise.race([this.#open(), passed(2000)]).catch(() => undefined);
      if (client === undefined) await passed(20);
      else await this.#take(client, Date.now() + 50 + this.#random() * 600, isOver);
    }
  }

  /** What was acknowledged on this connection has reached the server, and must outlive its clean end. */
  async settle(): Promise<() => void> {
    const acked = this.#ackedHere.slice();
    const client = this.#client;
    const before = client?.all("unsubscribed").length ?? 0;
    client?.say({ type: "unsubscribe", events: ["fraud"] });
    const reached = await Promise.race([client?.first("unsubscribed", before), passed(5000)]).catch(() => undefined);
    return () => {
      if (reached !== undefined) for (const eventId of acked) this.#settled.add(eventId);
    };
  }

  get settled(): number {
    return this.#settled.size;
  }

  #open(): Promise<FeedClient> {
    const clientId = `device-${this.minAmount}`;
    if (this.#random() < 0.5) return this.#clients.plain({ sub: this.user }, `?clientId=${clientId}`);
    return this.#clients.named({ sub: this.user }, { clientId });
  }

  async #take(client: FeedClient, leaveAt: number, isOver: () => boolean): Promise<void> {
    this.#client = client;
    this.#ackedHere = [];
    const gone = { is: false };
    void client.closed.then(() => (gone.is = true));
    let read = 0;
    const takeIn = (): Told[] => {
      const events = client.all("transaction").slice(read);
      read += events.length;
      for (const event of events) {
        if (this.#settled.has(event.eventId)) this.toldAgain.push(event.eventId);
        if (!this.first.has(event.eventId)) this.first.set(event.eventId, event);
      }
      return events;
    };
    while (!gone.is && !isOver() && Date.now() < leaveAt) {
      for (const { eventId } of takeIn()) {
        if (this.#random() < 0.2) continue;
        client.say({ type: "ack", eventId });
        this.#ackedHere.push(eventId);
      }
      await passed(5);
    }
    client.close();
    await client.closed;
    takeIn();
  }
}
