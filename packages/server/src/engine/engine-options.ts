/** What an engine is made of: it comes in through the door, so that a test can hold each of it in its hands. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Log, SharedLog } from "../log/log.ts";
import type { SubscriptionStore } from "../registry/registry.ts";
import type { Wire } from "../wire/wire.ts";
import type { Clock } from "./clock.ts";
import type { Journal } from "./journal.ts";
import type { Meter } from "./meter.ts";
import type { Product } from "./product.ts";

export interface EngineLimits {
  readonly batchEvents: number;
  readonly waitingEvents: number;
  readonly unsentBytes: number;
  readonly behindBytes: number;
  readonly slowConsumerMs: number;
  readonly stalledMs: number;
  readonly ringEvents: number;
  readonly ringBytes: number;
  readonly entities: number;
  readonly connections: number;
  readonly connectionsPerUser: number;
  readonly flushWindowMs: number;
  readonly checkpointMs: number;
  readonly reconnectAfterMs: number;
}

export interface EngineOptions {
  readonly log: Log | SharedLog;
  /** Between nodes; without it each finds in the log what others stored. */
  readonly wire?: Wire | undefined;
  /** What the nodes know of each other; without it, this one is alone. */
  readonly cluster?: Cluster | undefined;
  readonly clock: Clock;
  /** Unique ids for events and connections. */
  readonly newId: () => string;
  /** In [0, 1); for jitter. */
  readonly random: () => number;
  readonly products: readonly Product[];
  readonly limits: EngineLimits;
  readonly publicTenant: string;
  /** How long entities to which nothing more happens are kept, by the stamps in the log; the same on every node. Default: for ever. */
  readonly overKeptMs?: number | undefined;
  readonly meter: Meter;
  /** What clients that name themselves follow, and how far they are. */
  readonly subscriptions: SubscriptionStore;
  /** A broken invariant or a failing component; the composition root decides what ends. */
  readonly onFault: (error: unknown) => void;
  /** Without it, none is kept. */
  readonly journal?: Journal | undefined;
}
