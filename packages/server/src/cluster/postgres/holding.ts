/** The seats that this node holds, and what of them the database has still to learn. */
import type { Seat } from "../cluster.ts";
import { digest } from "./sql.ts";

/** A seat as the database has it. */
export interface HeldSeat {
  readonly connectionId: string;
  readonly owner: string;
  readonly claim: string | undefined;
}

export function heldSeat({ connectionId, tenant, userId, claim }: Seat): HeldSeat {
  return { connectionId, owner: digest(tenant, userId), claim: claim === undefined ? undefined : digest(tenant, userId, claim) };
}

export class Holding {
  readonly #seats = new Map<string, HeldSeat>();
  readonly #ofOwner = new Map<string, Set<HeldSeat>>();
  /** Seats to be written down, in the order of their entering. */
  readonly #entering = new Map<string, HeldSeat>();
  /** Seats that may be written down and are given back. */
  readonly #leaving = new Set<string>();

  get size(): number {
    return this.#seats.size;
  }

  get waiting(): number {
    return this.#entering.size + this.#leaving.size;
  }

  /** How many of this owner came before, without those whose place this one takes. */
  enter(seat: HeldSeat): number {
    this.leave(seat.connectionId);
    const own = this.#ofOwner.get(seat.owner) ?? new Set();
    let before = own.size;
    if (seat.claim !== undefined) for (const { claim } of own) if (claim === seat.claim) before -= 1;
    this.#ofOwner.set(seat.owner, own.add(seat));
    this.#seats.set(seat.connectionId, seat);
    this.#leaving.delete(seat.connectionId);
    this.#entering.set(seat.connectionId, seat);
    return before;
  }

  /** True if there was one. */
  leave(connectionId: string): boolean {
    const seat = this.#seats.get(connectionId);
    if (seat === undefined) return false;
    this.#seats.delete(connectionId);
    const own = this.#ofOwner.get(seat.owner);
    own?.delete(seat);
    if (own?.size === 0) this.#ofOwner.delete(seat.owner);
    // One that was not written down leaves no trace.
    if (!this.#entering.delete(connectionId)) this.#leaving.add(connectionId);
    return true;
  }

  /** The next to be written, at most so many of each. From now on they count as written, unless {@link putBack}. */
  take(most: number): { readonly entering: readonly HeldSeat[]; readonly leaving: readonly string[] } {
    const entering = [...first(this.#entering.values(), most)];
    const leaving = [...first(this.#leaving, most)];
    for (const { connectionId } of entering) this.#entering.delete(connectionId);
    for (const connectionId of leaving) this.#leaving.delete(connectionId);
    return { entering, leaving };
  }

  /** Nobody knows whether they were written. */
  putBack({ entering, leaving }: ReturnType<Holding["take"]>): void {
    for (const seat of entering)
      if (this.#seats.get(seat.connectionId) === seat) this.#entering.set(seat.connectionId, seat);
      else this.#leaving.add(seat.connectionId);
    for (const connectionId of leaving) if (!this.#seats.has(connectionId)) this.#leaving.add(connectionId);
  }

  /** It is written down; where nobody holds it, it is given back. */
  found(connectionId: string): void {
    if (!this.#seats.has(connectionId)) this.#leaving.add(connectionId);
  }

  /** All of them are to be written again. */
  retake(): void {
    this.#leaving.clear();
    for (const [connectionId, seat] of this.#seats) this.#entering.set(connectionId, seat);
  }
}

function* first<T>(values: Iterable<T>, most: number): Generator<T> {
  let taken = 0;
  for (const value of values) {
    if (taken++ >= most) return;
    yield value;
  }
}
