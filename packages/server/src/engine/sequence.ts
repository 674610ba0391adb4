/**
 * What sessions are owed, in order, as shared immutable lists.
 *
 * Appending the same message to the same list gives the same list, so sessions that are owed the same messages in a turn
 * hold one object, and its bytes are joined once for all of them (design.md, idea 4). An append costs one comparison and
 * one reference.
 */
import { type Form, Message, type Parcel, type Words } from "./message.ts";

/** Something said to one session alone: an answer, a heartbeat, a value that replaced others. */
export interface Notice {
  readonly words: Words;
  readonly size: number;
  /** The message that these words stand for. */
  readonly of?: Message;
  /** Which sending of it this is, where it is not the first. */
  readonly attempt?: number;
  /** How many older values it stands for too. */
  readonly replaced?: number;
}

export type Item = Message | Notice;

export class Sequence {
  readonly before: Sequence | undefined;
  readonly item: Item | undefined;
  /** Where the ledger of deliveries holds what stands in it; -1 before it was asked to. */
  ledgerPlace = -1;
  readonly count: number;
  /** About how many bytes the whole list takes on a wire. */
  readonly size: number;
  /** The latest continuation. One is enough: a message is appended to all its receivers before the next one. */
  #next: Sequence | undefined;
  /** Of the form that asked first, and those of others: few lists travel, and most in one form. */
  #form: Form | undefined;
  #parcel: Parcel | undefined;
  #others: Map<Form, Parcel> | undefined;

  private constructor(before: Sequence | undefined, item: Item | undefined) {
    this.before = before;
    this.item = item;
    this.count = before === undefined ? 0 : before.count + 1;
    this.size = (before?.size ?? 0) + (item?.size ?? 0);
  }

  static empty(): Sequence {
    return new Sequence(undefined, undefined);
  }

  then(item: Item): Sequence {
    const next = this.#next;
    if (next !== undefined && next.item === item) return next;
    return (this.#next = new Sequence(this, item));
  }

  items(): Item[] {
    const items: Item[] = [];
    if (this.item !== undefined) items.push(this.item);
    for (let node = this.before; node !== undefined; node = node.before) if (node.item !== undefined) items.push(node.item);
    return items.reverse();
  }

  /** The list framed for one kind of connection; the same object for everybody who asks. */
  parcel(form: Form): Parcel {
    if (this.#form === form && this.#parcel !== undefined) return this.#parcel;
    const known = this.#others?.get(form);
    if (known !== undefined) return known;
    const parcel = parcelOf(this.items(), form);
    if (this.#form === undefined) {
      this.#form = form;
      this.#parcel = parcel;
    } else {
      this.#others ??= new Map();
      this.#others.set(form, parcel);
    }
    return parcel;
  }
}

function parcelOf(items: readonly Item[], form: Form): Parcel {
  const frames = framesOf(items, form);
  let bytes: Buffer | undefined;
  return {
    frames,
    count: items.length,
    get bytes() {
      return (bytes ??= form.join(frames));
    },
  };
}

function framesOf(items: readonly Item[], form: Form): Buffer[] {
  const frames: Buffer[] = [];
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (item === undefined) break;
    if (!(item instanceof Message)) {
      frames.push(form.frame(item.words));
      continue;
    }
    const run = form.surface.wordBatch === undefined ? 1 : lengthOfBatch(items, index);
    if (run === 1) {
      frames.push(item.frame(form));
      continue;
    }
    const messages = items.slice(index, index + run).filter((each) => each instanceof Message);
    const words = form.surface.wordBatch?.(messages);
    if (words !== undefined) frames.push(form.frame(words));
    index += run - 1;
  }
  return frames;
}

function lengthOfBatch(items: readonly Item[], start: number): number {
  const first = items[start];
  if (!(first instanceof Message)) return 1;
  let end = start + 1;
  for (let next = items[end]; next instanceof Message && next.batch === first.batch; next = items[end]) end++;
  return end - start;
}
