/** Connection attempts a minute and address on SSE paths, on all nodes (contract 50-sse "Behaviour", 70-details "SSE attempt limits"). */
import { isIPv6 } from "node:net";
import type { Engine } from "../../engine/engine.ts";

export interface AttemptLimits {
  /** Attempts that end in 401 or 403, and anonymous ones. */
  readonly failed: number;
  /** All others. */
  readonly others: number;
}

const MINUTE_MS = 60_000;

type Counting = Pick<Engine["cluster"], "hit">;

export class Attempts {
  readonly #cluster: Counting;
  readonly #limits: AttemptLimits;

  constructor(cluster: Counting, limits: AttemptLimits) {
    this.#cluster = cluster;
    this.#limits = limits;
  }

  /** Counts an attempt; resolves with undefined when it is within the limit, else with the milliseconds until the next may come. */
  count(address: string, kind: keyof AttemptLimits): Promise<number | undefined> {
    return this.#cluster.hit(`sse-${kind} ${networkOf(address)}`, { most: this.#limits[kind], windowMs: MINUTE_MS });
  }
}

/** What one customer of a provider is given: an address of IPv4, or all that share the first 64 bits of one of IPv6. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [front = [], back = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const [last = ""] = back.slice(-1);
  // An address of IPv4 as sockets of IPv6 write it.
  if (last.includes(".")) return last;
  const groups = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
