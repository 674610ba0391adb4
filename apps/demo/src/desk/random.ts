/** Chance, from a source that tests can repeat. */

/** At least 0, below 1. */
export type Random = () => number;

/** Both ends are whole numbers and may come up. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

export function wholeOf({ least, most }: Range, random: Random): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** True so often of 100 times. */
export function happens(percent: number, random: Random): boolean {
  return random() * 100 < percent;
}

export function oneOf<T>(list: readonly [T, ...T[]], random: Random): T {
  return list[Math.floor(random() * list.length)] ?? list[0];
}

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
