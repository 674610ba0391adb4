/**
 * A client of the default namespace that named itself (contract 40-trading "Event queuing", 30-transactions "Delivery
 * guarantee"): what it followed, and how far it was told, outlives its connection.
 */
import type { Session } from "../../engine/session.ts";
import type { Subscriber } from "../../engine/subscriber.ts";
import type { Desk } from "../../engine/surface.ts";

/** Where a channel goes on: after a cursor, or anew because the place is no more. */
export type Place = { readonly after: string } | { readonly lost: "unknown" | "expired" };

export class Returning {
  readonly #session: Session;
  readonly #desk: Desk;
  readonly #found: Promise<void>;
  /** The last of its commands that were begun: they take effect in the order in which they came. */
  #turn: Promise<void>;
  #subscriber: Subscriber | undefined;
  #place: Place | undefined;
  /** Channels that it followed when it was last here, and has not asked for since. */
  readonly #owed = new Set<string>();
  /** What its wire had it go on with before it was known who it is. */
  #recovered: readonly string[] | undefined;

  constructor(session: Session, desk: Desk, clientId: string) {
    this.#session = session;
    this.#desk = desk;
    this.#found = this.#find(clientId);
    // Who opens the session hears of a failure, and ends it.
    this.#turn = this.#found.catch(() => undefined);
  }

  /** Settles when it is known what it followed, and where it was. Rejects where the registry cannot be read. */
  get found(): Promise<void> {
    return this.#found;
  }

  /** Its wire has brought its cursor along, which says better than we where it is. */
  recovered(channels: readonly string[]): void {
    this.#recovered = channels;
  }

  /**
   * Settles when it is known who the client is, and written down what it will follow: who was answered is known again, though
   * the process ends at once. What is done right after it is done before anything of the next command.
   */
  wants(channels: () => readonly string[]): Promise<void> {
    this.#turn = this.#turn.then(() => this.#keep(channels()));
    return this.#turn;
  }

  /** Once for each channel that it followed; nothing for one that is new to it. */
  takePlace(channel: string): Place | undefined {
    return this.#owed.delete(channel) ? this.#place : undefined;
  }

  /** From here on its place is the session's. */
  goesOn(): void {
    if (this.#subscriber !== undefined) this.#subscriber.isFollowing = true;
  }

  async #keep(events: readonly string[]): Promise<void> {
    if (this.#subscriber === undefined || this.#session.isClosed) return;
    this.#desk.subscribers.wants(this.#subscriber, { events, filters: "{}" });
    await this.#desk.subscribers.keep(this.#subscriber).catch(this.#desk.onFault);
  }

  async #find(clientId: string): Promise<void> {
    // Another client than one of that name on another surface.
    const wentOn = () => (this.#recovered === undefined ? undefined : { events: this.#recovered, filters: "{}" });
    const known = await this.#desk.subscribers.returned(this.#session, `trading:${clientId}`, undefined, wentOn);
    if (known === undefined) return;
    this.#subscriber = known.subscriber;
    const wants = wentOn();
    if (wants !== undefined) {
      this.#desk.subscribers.wants(known.subscriber, wants);
      this.goesOn();
      return;
    }
    this.#place = known.lost === undefined ? { after: this.#desk.cursorAt(known.after) } : { lost: known.lost };
    if (known.isKnown) for (const channel of known.subscriber.wants.events) this.#owed.add(channel);
  }
}
