/**
 * Moves staged batches into the log by the one way through the house, in their order. Several go as one publish batch, so that a commit of
 * the log serves them all and none can overtake another; where something in it is refused, it is taken apart so that
 * each batch that may be at fault stands alone. Ids make a repetition harmless: a batch is taken away after it is in the log.
 */
import type { HttpErrorBody } from "@broadtape/protocol/errors";
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
    /** At fault when they stood among others: who is, is found out alone, after those before it. */
    const suspects = new Set(rest.filter(({ fault }) => fault !== undefined));
    while (rest.length > 0) {
      const parcels = this.#nextOf(rest, suspects);
      const error = await this.#publish(parcels);
      const [alone] = parcels;
      if (error !== undefined && (parcels.length > 1 || alone === undefined)) {
        for (const suspect of atFault(parcels, error)) suspects.add(suspect);
        continue;
      }
      if (error !== undefined && alone !== undefined) await this.#refuse(staging, alone, error);
      else await this.#moved(staging, parcels);
      rest = rest.slice(parcels.length);
    }
    return batches.length;
  }

  /** As many as may be good together; a suspect alone. */
  #nextOf(rest: readonly Parcel[], suspects: ReadonlySet<Parcel>): readonly Parcel[] {
    const suspect = rest.findIndex((parcel) => suspects.has(parcel));
    return rest.slice(0, Math.max(1, Math.min(suspect < 0 ? rest.length : suspect, this.#together)));
  }

  /** Resolves with why nothing of it is stored. */
  async #publish(parcels: readonly Parcel[]): Promise<BadEvents | undefined> {
    const message = parcels.find(({ fault }) => fault !== undefined)?.fault;
    if (message !== undefined) return new BadEvents([{ index: 0, path: "", message }]);
    try {
      await this.#options.publish(
        parcels.flatMap(({ events }) => events),
        publisherOf(parcels),
      );
      this.#together *= 2;
      return undefined;
    } catch (error) {
      if (error instanceof BadEvents) return error;
      this.#together = Math.max(1, Math.floor(parcels.length / 2));
      throw error;
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

/** The parcels in which the faults lie; at least one. */
function atFault(parcels: readonly Parcel[], { faults }: BadEvents): ReadonlySet<Parcel> {
  const owners = parcels.flatMap((parcel) => parcel.events.map(() => parcel));
  const found = faults.flatMap(({ index }) => owners[index] ?? []);
  return new Set(found.length > 0 ? found : parcels.slice(0, 1));
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
