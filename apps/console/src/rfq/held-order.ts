/** Rows that stand still under a hand: nobody accepts a quote that jumped under the pointer. */

interface Identified {
  readonly id: string;
}

/** Those of `held` in its order, the others after them as they come. */
export function inHeldOrder<T extends Identified>(all: readonly T[], held: readonly string[] | undefined): readonly T[] {
  if (held === undefined) return all;
  const places = new Map(held.map((id, place) => [id, place]));
  const placeOf = ({ id }: T) => places.get(id) ?? held.length;
  return [...all].sort((a, b) => placeOf(a) - placeOf(b));
}
