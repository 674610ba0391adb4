/**
 * Who was written what, and who acknowledged it: the newest writes and acks in rings of fixed size. A write costs three stores,
 * and each distinct list of messages one more for each message in it, whoever else is sent the list. Writes of values that
 * newer ones replace have rings of their own: a flood of prices pushes out no payment.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import { Message } from "../engine/message.ts";
import type { Item, Sequence } from "../engine/sequence.ts";
import type { Recipient } from "../engine/witness.ts";

export interface LedgerSizes {
  /** Writes remembered in each class. */
  readonly writes: number;
  /** Messages that stand in them, in each class; a list that is written to many counts once. */
  readonly messages: number;
  readonly acks: number;
}

/** About 14 MB. */
export const LEDGER_SIZES: LedgerSizes = { writes: 1 << 17, messages: 1 << 18, acks: 1 << 16 };

/** One event written to one connection. Times are of the monotonic clock. */
export interface Delivered {
  readonly offset: Offset;
  readonly to: Recipient;
  readonly isLossless: boolean;
  readonly attempt: number;
  readonly replaced: number;
  readonly writtenAt: number;
  readonly ackedAt: number | undefined;
}

/** `Sequence.ledgerPlace` of a list that holds no event: a heartbeat, an answer. */
const NOTHING = -2;

export class Ledger {
  readonly #lossless: Writes;
  readonly #conflated: Writes;
  readonly #acks: Acks;

  /** `now`: on the monotonic clock; what was written before is not known. */
  constructor(now: number, sizes: LedgerSizes = LEDGER_SIZES) {
    this.#lossless = new Writes(now, sizes);
    this.#conflated = new Writes(now, sizes);
    this.#acks = new Acks(sizes.acks);
  }

  wrote(sequence: Sequence, to: Recipient, now: number): void {
    const known = sequence.ledgerPlace;
    if (known === NOTHING) return;
    const isKnown = known >= 0 && this.#of(known).holds(startOf(known));
    const place = isKnown ? known : (sequence.ledgerPlace = this.#note(sequence));
    if (place !== NOTHING) this.#of(place).add(startOf(place), to, now);
  }

  acked(by: Recipient, offsets: readonly Offset[], now: number): void {
    for (const offset of offsets) this.#acks.add(by, offset, now);
  }

  /** Everything that was written since is remembered; on the monotonic clock. */
  since(kind: "lossless" | "all"): number {
    return kind === "lossless" ? this.#lossless.since : Math.max(this.#lossless.since, this.#conflated.since);
  }

  /** What was written of these events to this tenant's connections, oldest first. */
  deliveriesOf(offsets: ReadonlySet<Offset>, tenant: string): Delivered[] {
    const acks = this.#acks.of(offsets);
    const sends = new Map<string, number>();
    const found = [...this.#lossless.of(offsets), ...this.#conflated.of(offsets)].sort((a, b) => a.writtenAt - b.writtenAt);
    return found.flatMap(({ to, offset, attempt, ...more }) => {
      if (to.tenant !== tenant) return [];
      const key = `${to.connectionId}/${offset}`;
      const sent = (sends.get(key) ?? 0) + 1;
      sends.set(key, sent);
      return [{ ...more, to, offset, attempt: Math.max(attempt, more.isLossless ? sent : 1), ackedAt: acks.get(key) }];
    });
  }

  /** Even places are of the lossless class. */
  #of(place: number): Writes {
    return place % 2 === 0 ? this.#lossless : this.#conflated;
  }

  #note(sequence: Sequence): number {
    let count = 0;
    let isLossless = false;
    for (let at: Sequence | undefined = sequence; at !== undefined; at = at.before) {
      const message = messageOf(at.item);
      if (message === undefined) continue;
      count += 1;
      if (message.key === undefined) isLossless = true;
    }
    if (count === 0) return NOTHING;
    const writes = isLossless ? this.#lossless : this.#conflated;
    return writes.note(sequence, count) * 2 + (isLossless ? 0 : 1);
  }
}

function startOf(place: number): number {
  return Math.floor(place / 2);
}

/** The stored event that an item tells of; undefined for answers, heartbeats and what the clock alone brings. */
function messageOf(item: Item | undefined): Message | undefined {
  const message = item instanceof Message ? item : item?.of;
  return message === undefined || message.eventId === "" ? undefined : message;
}

type Written = Omit<Delivered, "ackedAt">;

/** Places in both rings grow for ever; what stands at place `p` stands at index `p % size` until `size` more came. */
class Writes {
  readonly #at: Float64Array;
  /** Where the list of each write begins. */
  readonly #starts: Float64Array;
  readonly #to: (Recipient | undefined)[];
  #written = 0;
  /** Lists one after the other: minus the number of messages, then the offset of each. */
  readonly #offsets: Float64Array;
  /** Beside each offset: which sending it was; zero or less: a conflated value, minus how many it replaced. */
  readonly #notes: Int32Array;
  #noted = 0;
  readonly #beganAt: number;

  constructor(now: number, { writes, messages }: LedgerSizes) {
    this.#beganAt = now;
    this.#at = new Float64Array(writes);
    this.#starts = new Float64Array(writes);
    this.#to = new Array<Recipient | undefined>(writes).fill(undefined);
    this.#offsets = new Float64Array(messages);
    this.#notes = new Int32Array(messages);
  }

  holds(start: number): boolean {
    return start >= this.#noted - this.#offsets.length;
  }

  add(start: number, to: Recipient, now: number): void {
    const index = this.#written % this.#at.length;
    this.#at[index] = now;
    this.#starts[index] = start;
    this.#to[index] = to;
    this.#written += 1;
  }

  /** Notes the newest messages of a list, as many as fit; returns where. */
  note(sequence: Sequence, count: number): number {
    const start = this.#noted;
    const size = this.#offsets.length;
    const most = Math.min(count, size - 1);
    this.#offsets[start % size] = -most;
    let place = start + 1;
    for (let at: Sequence | undefined = sequence; at !== undefined && place <= start + most; at = at.before) {
      const message = messageOf(at.item);
      if (message === undefined) continue;
      const { attempt, replaced } = at.item instanceof Message || at.item === undefined ? PLAIN : at.item;
      this.#offsets[place % size] = message.offset;
      this.#notes[place % size] = message.key === undefined ? (attempt ?? 1) : -(replaced ?? 0);
      place += 1;
    }
    this.#noted = place;
    return start;
  }

  /** Whatever was written since is here, with its list. */
  get since(): number {
    const size = this.#at.length;
    // What is gone was written no later than what stands first now.
    let goneAt = this.#written > size ? (this.#at[this.#written % size] ?? -Infinity) : -Infinity;
    for (let place = Math.max(0, this.#written - size); place < this.#written; place++) {
      if (!this.holds(this.#starts[place % size] ?? -1)) goneAt = Math.max(goneAt, this.#at[place % size] ?? goneAt);
    }
    return Math.max(this.#beganAt, goneAt + 1);
  }

  *of(offsets: ReadonlySet<Offset>): Generator<Written> {
    const places = this.#placesOf(offsets);
    const first = places[0];
    const last = places.at(-1);
    if (first === undefined || last === undefined) return;
    const size = this.#at.length;
    for (let row = Math.max(0, this.#written - size); row < this.#written; row++) {
      const start = this.#starts[row % size] ?? -1;
      const to = this.#to[row % size];
      if (to === undefined || start >= last || !this.holds(start)) continue;
      const end = start - (this.#offsets[start % this.#offsets.length] ?? 0);
      if (end < first) continue;
      yield* this.#inList(places, start, end, { to, writtenAt: this.#at[row % size] ?? 0 });
    }
  }

  /** An event that stands in a list on several topics was written once. */
  *#inList(places: readonly number[], start: number, end: number, row: Pick<Written, "to" | "writtenAt">): Generator<Written> {
    const told = new Set<Offset>();
    for (const place of places) {
      if (place <= start || place > end) continue;
      const offset = this.#offsets[place % this.#offsets.length] ?? 0;
      const note = this.#notes[place % this.#notes.length] ?? 0;
      if (told.has(offset)) continue;
      told.add(offset);
      yield { ...row, offset, isLossless: note > 0, attempt: Math.max(1, note), replaced: Math.max(0, -note) };
    }
  }

  /** In rising order. */
  #placesOf(offsets: ReadonlySet<Offset>): number[] {
    const size = this.#offsets.length;
    const places: number[] = [];
    for (let place = Math.max(0, this.#noted - size); place < this.#noted; place++) {
      if (offsets.has(this.#offsets[place % size] ?? 0)) places.push(place);
    }
    return places;
  }
}

const PLAIN: { readonly attempt?: number; readonly replaced?: number } = {};

class Acks {
  readonly #at: Float64Array;
  readonly #offsets: Float64Array;
  readonly #by: (Recipient | undefined)[];
  #count = 0;

  constructor(size: number) {
    this.#at = new Float64Array(size);
    this.#offsets = new Float64Array(size);
    this.#by = new Array<Recipient | undefined>(size).fill(undefined);
  }

  add(by: Recipient, offset: Offset, now: number): void {
    const index = this.#count % this.#at.length;
    this.#at[index] = now;
    this.#offsets[index] = offset;
    this.#by[index] = by;
    this.#count += 1;
  }

  /** When each was first acknowledged, by connection and offset. */
  of(offsets: ReadonlySet<Offset>): Map<string, number> {
    const found = new Map<string, number>();
    const size = this.#at.length;
    for (let place = Math.max(0, this.#count - size); place < this.#count; place++) {
      const offset = this.#offsets[place % size] ?? 0;
      const by = this.#by[place % size];
      if (by === undefined || !offsets.has(offset)) continue;
      const key = `${by.connectionId}/${offset}`;
      if (!found.has(key)) found.set(key, this.#at[place % size] ?? 0);
    }
    return found;
  }
}
