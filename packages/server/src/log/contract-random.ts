/** Contract tests of the log: random histories, compared with a plain model after every step. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Bench, type LogPlace, newEvent, pagesOf } from "./contract-place.ts";
import { type Appended, type Guard, type NewEvent, Overtaken, type ReadRequest } from "./log.ts";

const WINDOW_MS = 50;
const MAX_AGE_MS = 60;
const TENANTS = ["a", "b"];
const TOPICS = ["t0", "t1", "t2", "t3", "t4", "t5"];

interface ModelEvent extends Appended {
  readonly given: NewEvent;
}

/** What the port says, in the plainest words. */
class Model {
  events: ModelEvent[] = [];
  head = 0;
  storedAt = 0;
  checkpoint = 0;
  readonly #ids = new Map<string, ModelEvent>();

  get oldest(): number {
    return this.events[0]?.offset ?? this.head + 1;
  }

  append(now: number, batch: readonly NewEvent[], guard?: Guard): Appended[] | Overtaken {
    if (guard !== undefined) {
      const repeated = this.#repeatedOf(now, batch);
      const isSame = [...repeated].join() === [...guard.repeated].join();
      if (repeated.size < batch.length && !(isSame && this.#holds(guard))) return new Overtaken(repeated);
    }
    const first = this.head + 1;
    return batch.map((given) => {
      const storedAt = Math.max(now, this.storedAt);
      const known = this.#knownOf(now, given);
      if (known !== undefined) {
        return { offset: known.offset, batch: known.batch, storedAt: known.storedAt, duplicate: true };
      }
      const stored = { offset: ++this.head, batch: first, storedAt, duplicate: false };
      this.storedAt = storedAt;
      this.events.push({ ...stored, given });
      if (given.deduplicate) this.#ids.set(keyOf(given), { ...stored, given });
      return stored;
    });
  }

  #knownOf(now: number, given: NewEvent): ModelEvent | undefined {
    const known = given.deduplicate ? this.#ids.get(keyOf(given)) : undefined;
    return known !== undefined && Math.max(now, this.storedAt) - known.storedAt <= WINDOW_MS ? known : undefined;
  }

  #repeatedOf(now: number, batch: readonly NewEvent[]): Set<number> {
    const isRepeated = (given: NewEvent, index: number) =>
      this.#knownOf(now, given) !== undefined ||
      (given.deduplicate && batch.slice(0, index).some((other) => other.deduplicate && keyOf(other) === keyOf(given)));
    return new Set(batch.flatMap((given, index) => (isRepeated(given, index) ? [index] : [])));
  }

  #holds({ after, topics }: Guard): boolean {
    const isAsked = ({ given }: ModelEvent) => topics.some(({ tenant, name }) => tenant === given.tenant && given.topics.includes(name));
    return after + 1 >= this.oldest && !this.events.some((each) => each.offset > after && isAsked(each));
  }

  retain(now: number): void {
    const isKept = ({ batch, storedAt }: ModelEvent) =>
      storedAt >= now - MAX_AGE_MS || this.events.some((other) => other.batch === batch && other.offset > this.checkpoint);
    const firstKept = this.events.findIndex(isKept);
    this.events = firstKept < 0 ? [] : this.events.slice(firstKept);
  }

  asked({ after, until = Infinity, tenant, topics }: ReadRequest): ModelEvent[] {
    return this.events.filter(
      ({ offset, given }) =>
        offset > after &&
        offset <= until &&
        (tenant === undefined || given.tenant === tenant) &&
        (topics === undefined || given.topics.some((topic) => topics.includes(topic))),
    );
  }
}

function keyOf({ tenant, source, id }: NewEvent): string {
  return JSON.stringify([tenant, source, id]);
}

interface World {
  readonly bench: Bench;
  readonly model: Model;
}

type Step = (world: World) => Promise<void>;

const event = fc
  .record({
    tenant: fc.constantFrom(...TENANTS),
    id: fc.integer({ min: 0, max: 12 }).map(String),
    topics: fc.subarray(TOPICS, { maxLength: 3 }),
    deduplicate: fc.boolean(),
  })
  .map((fields) => newEvent(fields));

const guard = fc.record({
  /** Counted back from the head. */
  behind: fc.integer({ min: 0, max: 12 }),
  topics: fc.array(fc.record({ tenant: fc.constantFrom(...TENANTS), name: fc.constantFrom(...TOPICS) }), { maxLength: 2 }),
  repeated: fc.subarray([0, 1], { maxLength: 1 }),
});

const batch = fc.record({ events: fc.array(event, { maxLength: 5 }), guard: fc.option(guard, { nil: undefined }) });

/** Several batches in one turn: they may share a commit. */
const append = fc.array(batch, { minLength: 1, maxLength: 4 }).map((batches): Step => {
  return async ({ bench, model }) => {
    const placed = batches.map(({ events, guard: given }) => {
      if (given === undefined) return { events, guard: undefined };
      return { events, guard: { ...given, after: Math.max(0, model.head - given.behind), repeated: new Set(given.repeated) } };
    });
    const outcomes = await Promise.allSettled(placed.map(({ events, guard: asked }) => bench.log.append(events, asked)));
    const told = outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : (outcome.reason as unknown)));
    const expected = placed.map(({ events, guard: asked }) => model.append(bench.now, events, asked));
    expect(told.map(outcomeOf)).toEqual(expected.map(outcomeOf));
    expect(bench.log.bounds()).toEqual({ oldest: model.oldest, head: model.head, headStoredAt: model.storedAt });
  };
});

/** Errors are equal to each other where their messages are. */
function outcomeOf(outcome: unknown): unknown {
  return outcome instanceof Overtaken ? { repeated: [...outcome.repeated] } : outcome;
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

const read = fc
  .record({
    after: share,
    until: fc.option(share, { nil: undefined }),
    limit: fc.integer({ min: 1, max: 6 }),
    tenant: fc.option(fc.constantFrom(...TENANTS), { nil: undefined }),
    topics: fc.option(fc.subarray(TOPICS), { nil: undefined }),
  })
  .map((given): Step => {
    return async (world) => {
      const { head } = world.model;
      const placed = {
        after: Math.round(given.after * head),
        until: given.until === undefined ? undefined : Math.round(given.until * head),
        limit: given.limit,
      };
      await checkRead(world, given.tenant === undefined ? placed : { ...placed, tenant: given.tenant, topics: given.topics });
    };
  });

async function checkRead({ bench, model }: World, request: ReadRequest): Promise<void> {
  if (request.after > 0 && request.after + 1 < model.oldest) {
    await expect(bench.log.read(request)).rejects.toThrow(RangeError);
    return;
  }
  const pages = await pagesOf(bench.log, request);
  const until = Math.min(request.until ?? model.head, model.head);
  let after = request.after;
  for (const { events, upTo, complete } of pages) {
    const expected = model.asked({ ...request, after, until: Math.min(until, upTo) });
    expect(events.map(({ offset, id, storedAt, batch }) => ({ offset, id, storedAt, batch }))).toEqual(
      expected.map(({ offset, given, storedAt, batch }) => ({ offset, id: given.id, storedAt, batch })),
    );
    if (events.length > request.limit) expect(new Set(events.map(({ batch }) => batch)).size).toBe(1);
    // No batch goes on in a later page.
    const rest = model.asked({ ...request, after: upTo, until });
    expect(rest[0]?.batch).not.toBe(events.at(-1)?.batch ?? -1);
    expect(complete).toBe(upTo >= until);
    after = upTo;
  }
  expect(after).toBe(Math.max(request.after, until));
}

const wait = fc.integer({ min: 0, max: 40 }).map((ms): Step => {
  return async ({ bench }) => {
    bench.now += ms;
  };
});

const retain = share.map((at): Step => {
  return async ({ bench, model }) => {
    model.checkpoint = Math.round(at * model.head);
    await bench.log.saveCheckpoint({ offset: model.checkpoint, version: "1" }, []);
    await bench.log.retain();
    model.retain(bench.now);
    expect(bench.log.bounds()).toEqual({ oldest: model.oldest, head: model.head, headStoredAt: model.storedAt });
  };
});

const options = { dedupeWindowMs: WINDOW_MS, retention: { maxAgeMs: MAX_AGE_MS, maxBytes: Infinity } };

const reopen = fc.constant<Step>(async ({ bench }) => {
  const { epoch } = bench.log;
  expect((await bench.reopen(options)).epoch).toBe(epoch);
});

const history = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: append },
    { weight: 10, arbitrary: read },
    { weight: 4, arbitrary: wait },
    { weight: 2, arbitrary: retain },
    { weight: 1, arbitrary: reopen },
  ),
  { minLength: 5, maxLength: 60, size: "max" },
);

export function randomContract(newPlace: () => Promise<LogPlace>, histories: number): void {
  it("does what the model does, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const bench = new Bench();
        bench.place = await newPlace();
        try {
          await bench.open(options);
          const world = { bench, model: new Model() };
          for (const step of steps) await step(world);
          await checkRead(world, { after: 0, limit: 4 });
          expect(bench.faults).toEqual([]);
        } finally {
          await bench.log.close();
          await bench.place.remove();
        }
      }),
      { numRuns: histories },
    );
  });
}
