/** Readings of interleaved rounds, and what may be said of them. */

/** Of an odd or even number of readings; throws for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  if (below === undefined || above === undefined) throw new Error("no readings");
  return (below + above) / 2;
}

/** A reading that cannot be: the clock, the rig or the server is broken, and nothing of the run may be believed. */
export class ImpossibleReading extends Error {
  override readonly name = "ImpossibleReading";
}

/** Passes a reading on; throws where it is not a number within these bounds. */
export function possible(what: string, value: number, least: number, most = Infinity): number {
  if (!(value >= least && value <= most)) throw new ImpossibleReading(`${what}: ${value} is not between ${least} and ${most}`);
  return value;
}
