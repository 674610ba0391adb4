/**
 * One place for a client that names itself (decision 0008): of several nodes one holds it at a time. Whoever takes it over asks that
 * one to let go of it and to write down where the client is; one that does not answer has nothing to say any more.
 */
import { Refusal } from "@broadtape/protocol/errors";
import type { Cluster } from "../cluster/cluster.ts";
import { RegistryUnavailable } from "../registry/registry.ts";
import type { Holding, KeptSubscription, SubscriptionKey, Taken, Taking } from "../registry/subscriptions.ts";
import type { Clock } from "./clock.ts";
import type { Wheel } from "./wheel.ts";

export interface TakeoverHost {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly newId: () => string;
}

/** What a node does for the others with the clients that it holds. */
export interface Holder {
  /**
   * Ends the client's connection and writes down where it is, for one that came at `since`, in milliseconds since the epoch; false where its own
   * came later. Rejects where that cannot be done.
   */
  release(key: SubscriptionKey, since: number): Promise<boolean>;
  /** Another node has the client by now: what this one knows of it is of the past. */
  replaced(key: SubscriptionKey, generation: number): void;
  /** What one node asks of the one that holds a client; undefined where this one does not hold it. */
  perform(order: Order): Promise<string | undefined>;
}

/** Something that is to be done with a client where it is held. */
export interface Order {
  readonly key: SubscriptionKey;
  /** JSON text, of whoever gives orders. */
  readonly body: string;
}

/** Longer than a holder takes to write; so long is waited for one that died. */
const RELEASE_MS = 3000;
/** Nodes that take a client from each other end that when its connections do. */
const TRIES = 8;
const NOT_HELD = "";
const HELD_ON = "held on";
/** What the others could not be told is told again, for a minute. */
const RETELL_MS = 1000;
const TELLS = 60;

export class Takeover {
  readonly #host: TakeoverHost;
  readonly #take: (taking: Taking) => Promise<Taken>;

  constructor(host: TakeoverHost, take: (taking: Taking) => Promise<Taken>, holder: Holder) {
    this.#host = host;
    this.#take = take;
    // What one node writes, another reads: the shapes are these.
    host.cluster.onAsked("client-release", async (body) => {
      const { since, ...key } = JSON.parse(body) as SubscriptionKey & { readonly since: number };
      return (await holder.release(key, since)) ? "released" : HELD_ON;
    });
    host.cluster.onAsked("client-order", async (body) => (await holder.perform(JSON.parse(body) as Order)) ?? NOT_HELD);
    host.cluster.onTold("client-taken", (body) => {
      const { key, generation } = JSON.parse(body) as { key: SubscriptionKey; generation: number };
      holder.replaced(key, generation);
    });
  }

  /** Takes the client from whoever holds it, for a connection that came at `since`; undefined where the one there came later. */
  async take(key: SubscriptionKey, since: number): Promise<KeptSubscription | undefined> {
    let from: Former | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const taken = await this.#takeFrom(key, from);
      if (!("held" in taken)) return taken;
      const { held } = taken;
      const answer = this.#isAlive(held.node) ? await this.#ask("client-release", held.node, { ...key, since }, RELEASE_MS) : undefined;
      if (answer === HELD_ON) return undefined;
      from = { ...held, hasLetGo: answer !== undefined };
    }
    throw new RegistryUnavailable("nodes take this client from each other");
  }

  /**
   * Has an order carried out where the client is held: there by `Holder.perform`, whose answer is returned, or else by the caller, who
   * is given the client then. Rejects with RegistryUnavailable where whoever holds it does not answer.
   */
  async order(order: Order): Promise<string | KeptSubscription> {
    let from: Former | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const taken = await this.#takeFrom(order.key, from);
      if (!("held" in taken)) return taken;
      const { held } = taken;
      const answer = this.#isAlive(held.node) ? await this.#ask("client-order", held.node, order) : undefined;
      if (answer === undefined && this.#isAlive(held.node))
        throw new RegistryUnavailable("the node that holds this client does not answer");
      if (answer !== undefined && answer !== NOT_HELD) return answer;
      from = { ...held, hasLetGo: answer !== undefined };
    }
    throw new RegistryUnavailable("nodes take this client from each other");
  }

  async #takeFrom({ tenant, userId, clientId }: SubscriptionKey, from: Former | undefined): Promise<KeptSubscription | { held: Holding }> {
    const { cluster, clock, newId } = this.#host;
    const key = { tenant, userId, clientId };
    const taken = await this.#take({ ...key, id: newId(), node: cluster.self.id, from, now: clock.now() });
    if ("held" in taken) return taken;
    const { subscription } = taken;
    // Who sleeps hears of it when it is awake again; what it writes until then is not taken from it.
    if (from?.hasLetGo === false) this.#tellTaken(JSON.stringify({ key, generation: subscription.generation }), TELLS);
    return subscription;
  }

  /** To hear it twice changes nothing. A client to whom nothing happens would keep its old connection until it is written down again. */
  #tellTaken(body: string, tries: number): void {
    const { cluster, wheel } = this.#host;
    cluster.tell("client-taken", body).catch(() => {
      if (tries > 1) wheel.arm(RETELL_MS, () => this.#tellTaken(body, tries - 1));
    });
  }

  #isAlive(node: string): boolean {
    return this.#host.cluster.others().some(({ id }) => id === node);
  }

  async #ask(kind: string, to: string, body: object, timeoutMs?: number): Promise<string | undefined> {
    const [answer] = await this.#host.cluster.ask(kind, JSON.stringify(body), { to, timeoutMs });
    return answer?.body;
  }
}

/** Who held the client, and whether it said that it does so no more. */
interface Former extends Holding {
  readonly hasLetGo: boolean;
}

/** What a connection is told that ends in favour of another one of its client. */
export function newReplaced(): Refusal {
  return new Refusal("REPLACED", "another connection of this clientId took over");
}
