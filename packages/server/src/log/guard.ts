/** Whether the guard of a batch holds, said once for every log (log.ts has the words). */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Guard } from "./log.ts";

/**
 * Which events of a batch are repetitions, by index. `keys` name their ids, undefined where an event is not deduplicated; `isKnown`
 * tells whether an event before the batch has the id.
 */
export function repeatedIn(keys: readonly (string | undefined)[], isKnown: (key: string, index: number) => boolean): ReadonlySet<number> {
  const repeated = new Set<number>();
  const own = new Set<string>();
  for (const [index, key] of keys.entries()) {
    if (key === undefined) continue;
    if (own.has(key) || isKnown(key, index)) repeated.add(index);
    own.add(key);
  }
  return repeated;
}

/** @param isOvertaken whether an event above `guard.after` is under one of its topics, as far back as `oldest`; may be slow */
export function guardFails(
  guard: Guard,
  repeated: ReadonlySet<number>,
  events: number,
  oldest: Offset,
  isOvertaken: () => boolean,
): boolean {
  if (repeated.size === events) return false;
  const isAsAssumed = repeated.size === guard.repeated.size && [...repeated].every((index) => guard.repeated.has(index));
  return !isAsAssumed || guard.after + 1 < oldest || isOvertaken();
}
