/** Contract tests of the log: random histories, compared with a plain model after every step. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Bench, type LogPlace, newEvent, pagesOf } from "./contract-place.ts";
import type { Appended, NewEvent, ReadRequest } from "./log.ts";

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

  append(now: number, batch: readonly NewEvent[]): Appended[] {
    const first = this.head + 1;
    return batch.map((given) => {
      const storedAt = Math.max(now, this.storedAt);
      const key = JSON.stringify([given.tenant, given.source, given.id]);
      const known = given.deduplicate ? this.#ids.get(key) : undefined;
      if (known !== undefined && storedAt - known.storedAt <= WINDOW_MS) {
        return { offset: known.offset, batch: known.batch, storedAt: known.storedAt, duplicate: true };
      }
      const stored = { offset: ++this.head, batch: first, storedAt, duplicate: false };
      this.storedAt = storedAt;
      this.events.push({ ...stored, given });
      if (given.deduplicate) this.#ids.set(key, { ...stored, given });
      return stored;
    });
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

/** Several batches in one turn: they may share a commit. */
const append = fc.array(fc.array(event, { maxLength: 5 }), { minLength: 1, maxLength: 4 }).map((batches): Step => {
  return async ({ bench, model }) => {
    const appended = await Promise.all(batches.map((batch) => bench.log.append(batch)));
    expect(appended).toEqual(batches.map((batch) => model.append(bench.now, batch)));
    expect(bench.log.bounds()).toEqual({ oldest: model.oldest, head: model.head, headStoredAt: model.storedAt });
  };
});

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
