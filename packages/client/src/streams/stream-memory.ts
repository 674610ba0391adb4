/** What is known of a stream, whose it is, and how far it was read: these belong together. */
import { parseEventId } from "@broadtape/protocol/event-id";
import { later } from "../position.ts";
import { ValueStore } from "../store.ts";
import type { StreamName, StreamPosition } from "./messages.ts";

import { EMPTY, type StreamState, foldStream, readState, writeState } from "./stream-state.ts";

const AWAITED: Partial<Record<StreamName, readonly ("orders" | "positions")[]>> = {
  orders: ["orders"],
  positions: ["positions"],
  trading: ["orders", "positions"],
};

/** Messages remembered, so that one that comes twice is told once. */
const MAX_TOLD = 4096;

/** For another tab, or for the page after a reload. */
export interface Kept {
  readonly user: string;
  readonly cursor?: string | undefined;
  /** Written by {@link writeState}. */
  readonly state: string;
}

export class StreamMemory {
  readonly state: ValueStore<StreamState>;
  /** Whose stream it is, by the server's greeting. */
  user: string | undefined;
  /** Snapshots without which nothing makes sense. */
  readonly #awaited: readonly ("orders" | "positions")[];
  #cursor: string | undefined;
  readonly #told = new Set<string>();

  constructor(stream: StreamName, onError: (error: unknown) => void) {
    this.state = new ValueStore(EMPTY, onError);
    this.#awaited = AWAITED[stream] ?? [];
  }

  /**
   * Where to resume: everything up to here is in the state. Undefined before the snapshot: what was missed comes before it, with ids,
   * and whoever is cut off in between and goes on from such an id would never get it.
   */
  get cursor(): string | undefined {
    const state = this.state.get();
    return this.#awaited.every((part) => state[part] !== undefined) ? this.#cursor : undefined;
  }

  /** Whether the message was not told before. A snapshot is a state, and is told as often as it comes. */
  isNew(name: string, data: Readonly<Record<string, unknown>>): boolean {
    const { eventId, snapshot } = data;
    if (typeof eventId !== "string" || snapshot === true) return true;
    const key = `${name} ${eventId} ${aboutOf(data)}`;
    if (this.#told.has(key)) return false;
    this.#told.add(key);
    const [oldest] = this.#told;
    if (this.#told.size > MAX_TOLD && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }

  fold(name: string, data: unknown): void {
    this.state.set(foldStream(this.state.get(), name, data));
  }

  /** The line `id:`, or what a heartbeat says instead: it never passes what still waits to be told. */
  moved(id: string): void {
    this.#cursor = parseEventId(id) === undefined ? id : later(this.#cursor, id);
  }

  /** Ids of before say nothing any more; what is shown stays until the snapshot. */
  resync(): void {
    this.#cursor = undefined;
    this.#told.clear();
  }

  /** What one user was told is not shown to another. */
  forget(): void {
    this.resync();
    this.user = undefined;
    this.state.set(EMPTY);
  }

  /** Undefined while nothing is known. */
  keep(): Kept | undefined {
    const { user, cursor } = this;
    return user === undefined ? undefined : { user, cursor, state: writeState(this.state.get()) };
  }

  /** Takes the place of what is known; false where it is not whole, and nothing changes. */
  adopt({ user, cursor, state }: Kept): boolean {
    const known = readState(state);
    if (known === undefined) return false;
    this.user = user;
    this.#cursor = cursor;
    this.state.set(known);
    return true;
  }
}

/** One event, or one moment, may be told of several things: of prices as they stand, of positions that are worth something else now. */
function aboutOf({ symbol, positions }: Readonly<Record<string, unknown>>): string {
  if (typeof symbol === "string") return symbol;
  return Array.isArray(positions) ? positions.map(({ positionId, symbol: own }: StreamPosition) => positionId ?? own).join() : "";
}

export function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const { user, cursor, state } = value as Record<string, unknown>;
  return typeof user === "string" && typeof state === "string" && (cursor === undefined || typeof cursor === "string");
}
