/** The line of a wire: as soon as it is up, and each time it is again, this node reads what it may have missed. */
import type { Hearers } from "./hearers.ts";
import { type Backoff, type Connection, Line } from "./line.ts";
import type { WireMeter, WireOptions } from "./wire.ts";

export interface WireLineOptions<C extends Connection> {
  readonly dial: () => Promise<C>;
  readonly backoff: Backoff;
  readonly hearers: Hearers;
  readonly meter: WireMeter;
  readonly wire: WireOptions;
}

export function wireLine<C extends Connection>({ dial, backoff, hearers, meter, wire }: WireLineOptions<C>): Line<C> {
  return new Line({
    dial,
    backoff,
    random: wire.random ?? Math.random,
    onUp: (isAgain) => {
      if (isAgain) meter.reconnects += 1;
      hearers.wake();
    },
    onStatus: (status, error) => wire.onStatus?.(status, error),
  });
}
