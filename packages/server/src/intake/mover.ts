/**
 * Moves staged batches into the log by the one way through the house, in their order. Several go as one publish batch, so that a commit of
 * the log serves them all and none can overtake another; where something in it is refused, it is taken apart until the batch
 * that is at fault stands alone. Ids make a repetition harmless: a batch is taken away after it is in the log.
 */
import type { EventFault, HttpErrorBody } from "@broadtape/protocol/errors";
import { parseJson } from "@broadtape/protocol/json";
import { BadEvents, type Publisher } from "../engine/validate.ts";
import type { BatchLimits, IntakeMeter, StagedBatch, Staging } from "./intake.ts";

export interface MoverOptions {
  /** As the engine's. */
  readonly publish: (events: readonly unknown[], publisher: Publisher) => Promise<unknown>;
  readonly limits: BatchLimits;
  readonly meter: Pick<IntakeMeter, "moved" | "refused">;
  /** Hears of each batch that is refused, after that is written down. */
  readonly onRefused: (batch: StagedBatch, events: readonly unknown[], error: BadEvents) => void;
}

/** A batch as the engine takes it. */
interface Parcel {
  readonly batch: StagedBatch;
  readonly events: readonly unknown[];
  /** What is wrong with it that the engine cannot see. */
  readonly fault: string | undefined;
}

/** A refusal, and which of the parcels it begins with. */
interface Fault {
  readonly at: number;
  readonly error: BadEvents;
}

export class Mover {
  readonly #options: MoverOptions;
  /** Batches of one publish. Fewer after it could not be stored: the more entities it depends on, the sooner another node overtakes it. */
  #together = Infinity;

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** Moves or refuses what is next; resolves with how many batches that were. Rejects with LogUnavailable where it has to be tried again later. */
  async move(staging: Staging): Promise<number> {
    const batches = await staging.next(this.#options.limits);
    let rest = batches.map(parcelOf);
    let most = rest.length;
    while (rest.length > 0) {
      const parcels = rest.slice(0, Math.min(most, this.#together));
      const fault = await this.#publish(parcels);
      const [alone] = parcels;
      if (fault !== undefined && (parcels.length > 1 || alone === undefined)) {
        most = Math.max(1, fault.at);
        continue;
      }
      if (fault !== undefined && alone !== undefined) await this.#refuse(staging, alone, fault.error);
      else await this.#moved(staging, parcels);
      rest = rest.slice(parcels.length);
      most = rest.length;
    }
    return batches.length;
  }

  async #publish(parcels: readonly Parcel[]): Promise<Fault | undefined> {
    const broken = parcels.findIndex(({ fault }) => fault !== undefined);
    const message = parcels[broken]?.fault;
    if (message !== undefined) return { at: broken, error: new BadEvents([{ index: 0, path: "", message }]) };
    try {
      await this.#options.publish(
        parcels.flatMap(({ events }) => events),
        publisherOf(parcels),
      );
      this.#together *= 2;
      return undefined;
    } catch (error) {
      if (!(error instanceof BadEvents)) {
        this.#together = Math.max(1, Math.floor(parcels.length / 2));
        throw error;
      }
      return { at: placeOf(parcels, error.faults[0]), error };
    }
  }

  async #moved(staging: Staging, parcels: readonly Parcel[]): Promise<void> {
    await staging.moved(parcels.map(({ batch }) => batch));
    this.#options.meter.moved += parcels.length;
  }

  async #refuse(staging: Staging, { batch, events }: Parcel, error: BadEvents): Promise<void> {
    const refusal: HttpErrorBody = { error: "Unprocessable Entity", message: error.message, statusCode: 422, errors: error.faults };
    await staging.refuse(batch, refusal);
    this.#options.meter.refused += 1;
    this.#options.onRefused(batch, events, error);
  }
}

/** Whose events they are stands in each of them. */
function publisherOf([first]: readonly Parcel[]): Publisher {
  const { tenant = "", role = "", key = "" } = first?.batch ?? {};
  return { userId: role, tenant, anyTenant: true, correlationId: key, tellsRefusals: true };
}

/** Which parcel an event lies in. */
function placeOf(parcels: readonly Parcel[], fault: EventFault | undefined): number {
  let end = 0;
  const found = parcels.findIndex(({ events }) => (fault?.index ?? 0) < (end += events.length));
  return Math.max(0, found);
}

function parcelOf(batch: StagedBatch): Parcel {
  try {
    const value = parseJson(batch.events);
    if (!Array.isArray(value)) return { batch, events: [], fault: "a batch is an array of events" };
    return { batch, events: value.map((event: unknown, index) => eventOf(event, index, batch)), fault: undefined };
  } catch (error) {
    return { batch, events: [], fault: error instanceof Error ? error.message : String(error) };
  }
}

/** With what the batch says of it where it does not say so itself. A tenant of its own is never taken. */
function eventOf(event: unknown, index: number, { key, tenant, source, stagedAt }: StagedBatch): unknown {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return event;
  return { id: `${key}:${index}`, source, time: stagedAt, correlationid: key, ...event, tenantid: tenant };
}
