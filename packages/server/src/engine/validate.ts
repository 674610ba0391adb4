/** The door of the one way through the house: what may become an event, and what is wrong with what may not (contract 00-common "Publishing"). */
import type { z } from "zod";
import { type EventFault, Refusal } from "@broadtape/protocol/errors";
import { MAX_DATA_DEPTH, type PublishedEvent, eventEnvelope } from "@broadtape/protocol/event";
import { isDeeperThan } from "@broadtape/protocol/json";
import type { NewEvent } from "../log/log.ts";
import type { DomainEvent, DraftEvent, Product, States } from "./product.ts";

/** Who publishes. */
export interface Publisher {
  readonly userId: string;
  readonly tenant: string;
  /** May publish for other tenants (`events:publish:any`). */
  readonly anyTenant: boolean;
  /** Default for events without one. */
  readonly correlationId: string;
  /** The server itself, for types that nobody else may publish. */
  readonly isServer?: true;
  /** Tells of a refusal itself: it is not counted, and no operator is told. */
  readonly tellsRefusals?: true;
}

/** A batch in which at least one event is bad; nothing of it is stored. */
export class BadEvents extends Error {
  override readonly name = "BadEvents";
  readonly faults: readonly EventFault[];

  constructor(faults: readonly EventFault[]) {
    const [first] = faults;
    super(first === undefined ? "no events" : describe(first));
    this.faults = faults;
  }
}

/** A checked event and who owns its type. */
export interface Admitted {
  readonly product: Product;
  readonly event: NewEvent;
  readonly data: unknown;
}

export interface ValidationHost {
  readonly products: readonly Product[];
  readonly limits: { readonly batchEvents: number };
  readonly isFull: () => boolean;
  now(): number;
  newId(): string;
}

const MAX_FAULTS = 100;

/** An event whose envelope and data passed their schemas; whether it may be is the product's to say. */
export interface Checked {
  readonly product: Product;
  readonly event: PublishedEvent;
  readonly draft: DraftEvent;
  readonly publisher: Publisher;
  /** Default of its `time`. */
  readonly now: string;
}

/** Checks a whole batch. Throws {@link BadEvents}, or a FORBIDDEN refusal for a tenant that is not the publisher's. */
export function check(host: ValidationHost, events: readonly unknown[], publisher: Publisher): readonly Checked[] {
  if (events.length === 0) throw new BadEvents([{ index: 0, path: "", message: "a batch holds at least one event" }]);
  if (events.length > host.limits.batchEvents) {
    const message = `a batch holds at most ${host.limits.batchEvents} events`;
    throw new BadEvents([{ index: host.limits.batchEvents, path: "", message }]);
  }
  const now = new Date(host.now()).toISOString();
  return allOf<unknown, Checked>(events, (event) => checkOne(host, event, publisher, now));
}

/** Admits a batch whose products ask for no state. Throws {@link BadEvents}. */
export function admit(host: ValidationHost, checked: readonly Checked[], states: Pick<States, "entry">): readonly Admitted[] {
  return allOf<Checked, Admitted>(checked, (each) => {
    const verdict = each.product.admit?.(each.draft, states);
    if (verdict !== undefined && "message" in verdict) return [verdict];
    const admitted = admittedOf(host, each, verdict === undefined ? each.draft.data : verdict.data);
    const tooDeep = depthFault(admitted);
    return tooDeep === undefined ? admitted : [tooDeep];
  });
}

export function depthFault({ event }: Admitted): Omit<EventFault, "index"> | undefined {
  return isDeeperThan(event.data, MAX_DATA_DEPTH) ? { path: "data", message: `is nested deeper than ${MAX_DATA_DEPTH} levels` } : undefined;
}

type Faults = readonly Omit<EventFault, "index">[];

/** All or nothing: throws {@link BadEvents} with the faults of every event that has some. */
function allOf<In, Out extends object>(inputs: readonly In[], check: (input: In) => Out | Faults): readonly Out[] {
  const faults: EventFault[] = [];
  const passed: Out[] = [];
  for (const [index, input] of inputs.entries()) {
    const result = check(input);
    if (!isFaults(result)) passed.push(result);
    else for (const fault of result) if (faults.length < MAX_FAULTS) faults.push({ index, ...fault });
  }
  if (faults.length > 0) throw new BadEvents(faults);
  return passed;
}

function isFaults(result: object): result is Faults {
  return Array.isArray(result);
}

function checkOne(host: ValidationHost, input: unknown, publisher: Publisher, now: string): Checked | Faults {
  const envelope = eventEnvelope.safeParse(input);
  if (!envelope.success) return faultsOf(envelope.error, []);
  const event: PublishedEvent = envelope.data;
  const product = host.products.find((each) => Object.hasOwn(each.types, event.type));
  const type = product?.types[event.type];
  if (product === undefined || type === undefined) return [{ path: "type", message: "is not a type of the catalogue" }];
  if (type.internal === true && publisher.isServer !== true) return [{ path: "type", message: "is published by the server alone" }];
  const tenant = event.tenantid ?? publisher.tenant;
  if (tenant !== publisher.tenant && !publisher.anyTenant) {
    throw new Refusal("FORBIDDEN", "publishing for another tenant needs the permission events:publish:any", { path: "tenantid" });
  }
  const checked = type.schema.safeParse(event.data);
  if (!checked.success) return faultsOf(checked.error, ["data"]);
  if (host.isFull()) return [{ path: "", message: "the server holds as many entities as it may" }];
  return { product, event, draft: { type: event.type, data: checked.data, tenant }, publisher, now };
}

/** The event as it goes to the log, with this for its data. */
export function admittedOf(host: ValidationHost, { product, event, draft, publisher, now }: Checked, data: unknown): Admitted {
  const { tenant } = draft;
  const time = event.time ?? now;
  // Where an event goes depends on its content alone, so its place in the log may still be open here.
  const placed: DomainEvent = { type: event.type, data, text: "", tenant, offset: 0, storedAt: 0, time };
  return {
    product,
    data,
    event: {
      tenant,
      type: event.type,
      source: event.source ?? publisher.userId,
      id: event.id ?? host.newId(),
      time,
      subject: event.subject,
      correlationId: event.correlationid ?? publisher.correlationId,
      data: JSON.stringify(data === draft.data ? event.data : data),
      topics: product.topicsOf(placed),
      deduplicate: event.id !== undefined,
    },
  };
}

function faultsOf(error: z.ZodError, prefix: readonly string[]): Faults {
  return error.issues.map((issue) => ({ path: [...prefix, ...issue.path.map(String)].join("."), message: issue.message }));
}

function describe(fault: EventFault): string {
  return `event ${fault.index}${fault.path === "" ? "" : `, ${fault.path}`}: ${fault.message}`;
}
