/** A bounded collection that never goes back: each thing as the newest event about it said. */
import type { Offset } from "../../event-id.ts";

export interface Kept<T> {
  readonly key: string;
  readonly value: T;
  /** The event that said so. */
  readonly offset: Offset;
  /** Whether anything is still to be expected of it; it is then kept longer. */
  readonly isOpen: boolean;
}

/** Invariants: each key once, in the order in which they came first; nothing that was dropped comes back by an event at or before `dropped`. */
export interface Shelf<T> {
  readonly kept: readonly Kept<T>[];
  /** The newest event of all that was dropped; 0 where nothing was. */
  readonly dropped: Offset;
}

/** How many are kept; beyond it those go first that nothing was said of for the longest. */
export interface Room {
  readonly open: number;
  readonly closed: number;
}

/** The shelf with what an event said of one thing. The same object for an event that is not newer than what is known. */
export function put<T>(shelf: Shelf<T> | undefined, next: Kept<T>, room: Room): Shelf<T> {
  if (shelf === undefined) return { kept: [next], dropped: 0 };
  const { kept, dropped } = shelf;
  const place = kept.findIndex(({ key }) => key === next.key);
  const before = kept[place];
  if (next.offset <= (before?.offset ?? dropped)) return shelf;
  const after = { kept: before === undefined ? [...kept, next] : kept.with(place, next), dropped };
  return before?.isOpen === next.isOpen ? after : within(room, after);
}

/** A shelf as it stood at a cut of the log: what is told of it after that is newer. */
export function shelfAt<T>(
  values: readonly T[],
  cut: Offset,
  of: (value: T) => { readonly key: string; readonly isOpen: boolean },
): Shelf<T> {
  return { kept: values.map((value) => ({ value, offset: cut, ...of(value) })), dropped: cut };
}

export function valuesOf<T>(shelf: Shelf<T> | undefined): readonly T[] {
  return (shelf?.kept ?? []).map(({ value }) => value);
}

/** One event makes one thing too many at most. Looked at for every new thing, so in one go. */
function within<T>(room: Room, { kept, dropped }: Shelf<T>): Shelf<T> {
  let open = 0;
  let oldestOpen: Kept<T> | undefined;
  let oldestClosed: Kept<T> | undefined;
  for (const each of kept) {
    if (each.isOpen) {
      open += 1;
      if (oldestOpen === undefined || each.offset < oldestOpen.offset) oldestOpen = each;
    } else if (oldestClosed === undefined || each.offset < oldestClosed.offset) oldestClosed = each;
  }
  const oldest = open > room.open ? oldestOpen : kept.length - open > room.closed ? oldestClosed : undefined;
  if (oldest === undefined) return { kept, dropped };
  return { kept: kept.toSpliced(kept.indexOf(oldest), 1), dropped: Math.max(dropped, oldest.offset) };
}
