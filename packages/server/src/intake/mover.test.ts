import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogUnavailable } from "../log/log.ts";
import { BadEvents } from "../engine/validate.ts";
import { newIntakeMeter, type StagedBatch, type Staging } from "./intake.ts";
import { Mover } from "./mover.ts";

interface Sent {
  readonly id: string;
  readonly value: number;
  readonly bad?: true;
}

/** As many are told of. */
const MOST_FAULTS = 100;

/** A log that takes everything but what says that it is bad. */
function house(batches: readonly StagedBatch[]) {
  const waiting = [...batches];
  const stored: Sent[] = [];
  const refused: { readonly seq: number; readonly indexes: readonly number[] }[] = [];
  let calls = 0;
  let handedIn = 0;
  const takeAway = (seq: number) => {
    waiting.splice(
      waiting.findIndex((each) => each.seq === seq),
      1,
    );
  };
  const staging: Staging = {
    next: async () => [...waiting],
    moved: async (moved) => {
      for (const { seq } of moved) takeAway(seq);
    },
    refuse: async ({ seq }, { errors = [] }) => {
      takeAway(seq);
      refused.push({ seq, indexes: errors.map(({ index }) => index) });
    },
  };
  const publish = async (events: readonly unknown[]) => {
    calls += 1;
    handedIn += events.length;
    const sent = events as readonly Sent[];
    const faults = sent.flatMap(({ bad }, index) => (bad === true ? [{ index, path: "", message: "is bad" }] : [])).slice(0, MOST_FAULTS);
    if (faults.length > 0) throw new BadEvents(faults);
    stored.push(...sent);
  };
  const meter = newIntakeMeter();
  const limits = { batchEvents: 1000, batchBytes: 1e6 };
  const mover = new Mover({ publish, limits, meter, onRefused: () => undefined });
  return { mover, staging, stored, refused, waiting, meter, calls: () => calls, handedIn: () => handedIn };
}

const batchOf = (seq: number, events: string): StagedBatch => ({
  seq,
  key: `key-${seq}`,
  tenant: "acme",
  source: "payments",
  role: "payments",
  stagedAt: "2026-11-21T12:00:00.000Z",
  events,
});

describe("moving batches", () => {
  it("stores the good ones in order and refuses the others, whatever is bad where", async () => {
    const some = fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(some, async (plan) => {
        const batches = plan.map((events, seq) =>
          batchOf(seq, JSON.stringify(events.map((isGood, index) => ({ value: seq * 10 + index, ...(!isGood && { bad: true }) })))),
        );
        const { mover, staging, stored, refused, waiting, meter } = house(batches);
        expect(await mover.move(staging)).toBe(plan.length);
        const isGood = (events: readonly boolean[]) => events.every(Boolean);
        expect(stored.map(({ value }) => value)).toEqual(
          plan.flatMap((events, seq) => (isGood(events) ? events.map((_, index) => seq * 10 + index) : [])),
        );
        expect(refused).toEqual(
          plan.flatMap((events, seq) =>
            isGood(events) ? [] : [{ seq, indexes: events.flatMap((isFine, index) => (isFine ? [] : [index])) }],
          ),
        );
        expect(waiting).toEqual([]);
        expect([meter.moved, meter.refused]).toEqual([plan.filter(isGood).length, plan.length - plan.filter(isGood).length]);
      }),
    );
  });

  it("asks once for all that are good", async () => {
    const { mover, staging, stored, calls } = house([batchOf(1, '[{"value":1},{"value":2}]'), batchOf(2, '[{"value":3}]')]);
    await mover.move(staging);
    expect(calls()).toBe(1);
    expect(stored.map(({ id }) => id)).toEqual(["key-1:0", "key-1:1", "key-2:0"]);
  });

  it("looks a few times at what stands beside bad batches, not once for each of them", async () => {
    const batches = Array.from({ length: 400 }, (_, seq) => batchOf(seq, `[{"value":${seq}${seq % 2 === 0 ? ',"bad":true' : ""}}]`));
    const { mover, staging, stored, refused, handedIn } = house(batches);
    await mover.move(staging);
    expect([stored.length, refused.length]).toEqual([200, 200]);
    expect(handedIn()).toBeLessThan(5 * batches.length);
  });

  it("gives an event what its batch says and it does not, and never another tenant", async () => {
    const { mover, staging, stored } = house([batchOf(1, '[{"value":1,"id":"own","source":"mine","tenantid":"other"},{"value":2}]')]);
    await mover.move(staging);
    const common = { tenantid: "acme", time: "2026-11-21T12:00:00.000Z", correlationid: "key-1" };
    expect(stored).toEqual([
      { ...common, value: 1, id: "own", source: "mine" },
      { ...common, value: 2, id: "key-1:1", source: "payments" },
    ]);
  });

  it("refuses what is no batch of events", async () => {
    const deep = `[${"[".repeat(200)}${"]".repeat(200)}]`;
    const { mover, staging, refused, stored } = house([batchOf(1, '{"value":1}'), batchOf(2, deep), batchOf(3, '[{"value":3}]')]);
    await mover.move(staging);
    expect(refused.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(stored).toHaveLength(1);
  });

  it("asks for fewer at a time where so many cannot be stored", async () => {
    const batches = Array.from({ length: 8 }, (_, seq) => batchOf(seq, `[{"value":${seq}}]`));
    const { staging, waiting } = house(batches);
    const asked: number[] = [];
    const publish = async (events: readonly unknown[]) => {
      asked.push(events.length);
      if (events.length > 2) throw new LogUnavailable("overtaken");
    };
    const mover = new Mover({ publish, limits: { batchEvents: 10, batchBytes: 10 }, meter: newIntakeMeter(), onRefused: () => undefined });
    while (waiting.length > 0) await mover.move(staging).catch(() => undefined);
    expect(asked).toEqual([8, 4, 2, 4, 2, 4, 2, 2]);
  });

  it("leaves everything where the log can take nothing", async () => {
    const { staging, waiting } = house([batchOf(1, '[{"value":1}]')]);
    const mover = new Mover({
      publish: () => Promise.reject(new LogUnavailable("away")),
      limits: { batchEvents: 10, batchBytes: 10 },
      meter: newIntakeMeter(),
      onRefused: () => undefined,
    });
    await expect(mover.move(staging)).rejects.toThrow("away");
    expect(waiting).toHaveLength(1);
  });
});
