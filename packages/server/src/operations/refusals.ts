/** The newest publishing requests that were refused, by tenant, each with its reason. */
import { Refusal } from "@broadtape/protocol/errors";
import type { PublishRefusal } from "@broadtape/protocol/operations";
import { type Clock, isoTime } from "../engine/clock.ts";
import { BadEvents } from "../engine/validate.ts";
import type { RefusedPublish } from "../engine/witness.ts";
import { PerTenant } from "./per-tenant.ts";
import type { Unnamed } from "./unnamed.ts";

export interface RefusalsOptions {
  readonly clock: Clock;
  /** What an error is answered with over HTTP. */
  readonly statusOf: (error: unknown) => number;
}

const TENANTS = 100;
const KEPT = 200;
const FAULTS = 5;
const TEXT_CHARS = 300;

export class Refusals {
  readonly #options: RefusalsOptions;
  /** Oldest first. */
  readonly #kept = new PerTenant<Unnamed<PublishRefusal>[]>(TENANTS, () => []);
  readonly #told = new WeakSet();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  add(refused: RefusedPublish): void {
    const { tenant, error } = refused;
    if (typeof error !== "object" || error === null || this.#told.has(error)) return;
    this.#told.add(error);
    const own = this.#kept.of(tenant);
    own.push(this.#recordOf(refused));
    if (own.length > KEPT) own.shift();
  }

  /** Newest first. */
  list(tenant: string, limit: number): Unnamed<PublishRefusal>[] {
    return (this.#kept.find(tenant) ?? []).slice(-limit).reverse();
  }

  #recordOf({ userId, correlationId, events, error }: RefusedPublish): Unnamed<PublishRefusal> {
    const faults = faultsOf(error);
    const listed = faults.slice(0, FAULTS).map(({ index, path, message }) => ({ index, path: short(path), message: short(message) }));
    return {
      at: isoTime(this.#options.clock.now()),
      userId: short(userId),
      correlationId: short(correlationId),
      statusCode: this.#options.statusOf(error),
      reason: short(error instanceof Error ? error.message : String(error)),
      events: events?.length ?? null,
      type: typeOf(events?.[faults[0]?.index ?? 0]),
      faults: listed,
      more: faults.length - listed.length,
    };
  }
}

function faultsOf(error: unknown): readonly { readonly index: number; readonly path: string; readonly message: string }[] {
  if (error instanceof BadEvents) return error.faults;
  if (error instanceof Refusal && error.details.path !== undefined) return [{ index: 0, path: error.details.path, message: error.message }];
  return [];
}

/** As it was written, whatever else is wrong with the event. */
function typeOf(event: unknown): string | null {
  return typeof event === "object" && event !== null && "type" in event && typeof event.type === "string" ? short(event.type) : null;
}

/** A text of its own: a slice would keep the whole body of the request alive. */
function short(text: string): string {
  return text.length <= TEXT_CHARS ? text : `${Buffer.from(text.slice(0, TEXT_CHARS)).toString()}…`;
}
