import { describe, expect, it } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { createMemoryRegistry } from "../registry/memory.ts";
import type { Registry } from "../registry/registry.ts";
import { DISPATCH_LIMITS, type DispatchLimits, startDispatcher } from "./dispatcher.ts";
import { type Notice, type Notifier, NotifyError } from "./notifier.ts";

const KEEP_MS = 7 * 86_400_000;
/** Lets promises that are fulfilled go on. */
const settled = async () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve);
  });

const notice: Notice = {
  idempotencyKey: "EV-0001000000000001",
  tenant: "acme",
  userId: "ann",
  eventId: "EV-0001000000000001",
  type: "fraud.alert",
  storedAt: 1_700_000_000_000,
  alert: '{"transactionId":"t-1","amount":50000.00,"riskScore":0.910,"action":"BLOCK"}',
};

const busy = new NotifyError("passing", "it answered 503");

/** What came out of the notifier, and how each try ends: in turn `answers`, then all well; `hold` lets none end by itself. */
class Receiver implements Notifier {
  readonly kind = "webhook";
  readonly tries: Notice[] = [];
  readonly answers: (Error | undefined)[] = [];
  readonly held: { resolve: () => void; reject: (error: Error) => void }[] = [];
  isHolding = false;

  async send(sent: Notice, signal: AbortSignal): Promise<void> {
    this.tries.push(sent);
    if (this.isHolding) {
      const wait = Promise.withResolvers<undefined>();
      this.held.push({
        resolve: () => {
          wait.resolve(undefined);
        },
        reject: wait.reject,
      });
      signal.addEventListener("abort", () => {
        wait.reject(new NotifyError("passing", "it did not answer in time", { mayHaveArrived: true }));
      });
      await wait.promise;
    }
    const answer = this.answers.shift();
    if (answer !== undefined) throw answer;
  }
}

interface Setting {
  readonly registry?: Registry;
  readonly limits?: Partial<DispatchLimits>;
}

async function setUp({ registry = createMemoryRegistry(), limits = {} }: Setting = {}) {
  const clock = new FakeClock();
  const receiver = new Receiver();
  const faults: unknown[] = [];
  const dispatcher = await startDispatcher({
    notifier: receiver,
    registry,
    clock,
    random: () => 0.999_999,
    keepMs: KEEP_MS,
    onFault: (error) => faults.push(error),
    limits: { ...DISPATCH_LIMITS, ...limits },
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  const outcomes = async () => registry.listNotices({ limit: 100 });
  return { clock, receiver, faults, dispatcher, registry, pass, outcomes };
}

const numbered = (index: number): Notice => ({ ...notice, eventId: `EV-${index}`, idempotencyKey: `EV-${index}` });

describe("the dispatcher", () => {
  it("sends what is due and records how it ended", async () => {
    const { receiver, dispatcher, outcomes, clock } = await setUp();
    expect(dispatcher.take(notice)).toBe("taken");
    await settled();
    expect(receiver.tries).toEqual([notice]);
    expect(await outcomes()).toEqual([
      {
        tenant: "acme",
        userId: "ann",
        eventId: notice.eventId,
        kind: "webhook",
        status: "sent",
        attempts: 1,
        lastError: undefined,
        claimedAt: clock.now(),
        doneAt: clock.now(),
      },
    ]);
    expect(dispatcher.counts).toMatchObject({ taken: 1, tries: 1, sent: 1 });
    expect(dispatcher.size).toBe(0);
  });

  it("claims before it sends", async () => {
    const { receiver, dispatcher, outcomes } = await setUp();
    receiver.isHolding = true;
    dispatcher.take(notice);
    expect(receiver.tries).toEqual([]);
    await settled();
    expect(receiver.tries).toHaveLength(1);
    expect(await outcomes()).toMatchObject([{ status: "claimed", doneAt: undefined }]);
  });

  it("sends an event once, however often and whenever it is handed in", async () => {
    const { receiver, dispatcher } = await setUp();
    dispatcher.take(notice);
    expect(dispatcher.take(notice)).toBe("repeated");
    await settled();
    expect(dispatcher.take(notice)).toBe("taken");
    await settled();
    expect(receiver.tries).toHaveLength(1);
    expect(dispatcher.counts).toMatchObject({ repeated: 2, sent: 1 });
    dispatcher.take({ ...notice, tenant: "other" });
    await settled();
    expect(receiver.tries).toHaveLength(2);
  });

  it("tries again after a failure that may pass, later each time", async () => {
    const { receiver, dispatcher, pass, outcomes } = await setUp();
    receiver.answers.push(busy, busy, busy);
    dispatcher.take(notice);
    await settled();
    const triesAfter: number[] = [];
    for (const ms of [1999, 1, 3999, 1, 7999, 1]) {
      await pass(ms);
      triesAfter.push(receiver.tries.length);
    }
    expect(triesAfter).toEqual([1, 2, 2, 3, 3, 4]);
    expect(await outcomes()).toMatchObject([{ status: "sent", attempts: 4, lastError: "it answered 503" }]);
  });

  it("does not come back before the receiver wants it to", async () => {
    const { receiver, dispatcher, pass } = await setUp();
    receiver.answers.push(new NotifyError("passing", "it answered 429", { retryAfterMs: 60_000 }));
    dispatcher.take(notice);
    await settled();
    await pass(59_999);
    expect(receiver.tries).toHaveLength(1);
    await pass(1);
    expect(receiver.tries).toHaveLength(2);
  });

  it("gives up after its tries, and at once after a permanent failure", async () => {
    const { receiver, dispatcher, pass, outcomes } = await setUp({ limits: { tries: 3 } });
    receiver.answers.push(busy, busy, busy);
    dispatcher.take(notice);
    for (let step = 0; step < 20; step++) await pass(10_000);
    receiver.answers.push(new NotifyError("permanent", "it answered 410"));
    dispatcher.take(numbered(2));
    await pass(300_000);
    expect(receiver.tries).toHaveLength(4);
    expect(await outcomes()).toMatchObject([
      { eventId: "EV-2", status: "failed", attempts: 1, lastError: "it answered 410" },
      { status: "failed", attempts: 3, lastError: "it answered 503" },
    ]);
    expect(dispatcher.counts.failed).toBe(2);
  });

  it("says unknown of what may have arrived, also when a later try was refused", async () => {
    const { receiver, dispatcher, pass, outcomes } = await setUp();
    receiver.answers.push(new NotifyError("permanent", "the mail server did not say", { mayHaveArrived: true }));
    dispatcher.take(numbered(1));
    await settled();
    const lost = new NotifyError("passing", "the connection failed", { mayHaveArrived: true });
    receiver.answers.push(lost, new NotifyError("permanent", "it answered 400"));
    dispatcher.take(numbered(2));
    await settled();
    await pass(2000);
    expect((await outcomes()).map(({ status, attempts }) => [status, attempts])).toEqual([
      ["unknown", 2],
      ["unknown", 1],
    ]);
  });

  it("cuts a try that takes too long", async () => {
    const { receiver, dispatcher, pass, outcomes } = await setUp({ limits: { tries: 1 } });
    receiver.isHolding = true;
    dispatcher.take(notice);
    await settled();
    await pass(29_999);
    expect(await outcomes()).toMatchObject([{ status: "claimed" }]);
    await pass(1);
    expect(await outcomes()).toMatchObject([{ status: "unknown", lastError: "it did not answer in time" }]);
  });

  it("holds as many notices and tries at a time as it may, and refuses the rest", async () => {
    const { receiver, dispatcher } = await setUp({ limits: { notices: 5, concurrency: 2 } });
    receiver.isHolding = true;
    const takings = Array.from({ length: 6 }, (_, index) => dispatcher.take(numbered(index)));
    expect(takings).toEqual(["taken", "taken", "taken", "taken", "taken", "refused"]);
    await settled();
    expect(receiver.tries).toHaveLength(2);
    receiver.held[0]?.resolve();
    await settled();
    expect(receiver.tries.map(({ eventId }) => eventId)).toEqual(["EV-0", "EV-1", "EV-2"]);
    expect(dispatcher.take(numbered(7))).toBe("taken");
    expect(dispatcher.counts.refused).toBe(1);
  });

  it("sends others while one waits for its next try", async () => {
    const { receiver, dispatcher } = await setUp({ limits: { concurrency: 1 } });
    receiver.answers.push(busy);
    dispatcher.take(numbered(1));
    dispatcher.take(numbered(2));
    await settled();
    await settled();
    expect(receiver.tries.map(({ eventId }) => eventId)).toEqual(["EV-1", "EV-2"]);
    expect(dispatcher.counts.sent).toBe(1);
  });

  it("calls what an earlier process claimed and did not end unknown, and does not send it", async () => {
    const registry = createMemoryRegistry();
    const before = await setUp({ registry });
    before.receiver.isHolding = true;
    before.dispatcher.take(notice);
    await settled();
    const after = await setUp({ registry });
    expect(await after.outcomes()).toMatchObject([{ status: "unknown", attempts: 0 }]);
    after.dispatcher.take(notice);
    await settled();
    expect(after.receiver.tries).toEqual([]);
  });

  it("sends nothing without the registry, and says so", async () => {
    const registry: Registry = { ...createMemoryRegistry(), claimNotice: async () => Promise.reject(new Error("disk full")) };
    const { receiver, dispatcher, faults } = await setUp({ registry });
    dispatcher.take(notice);
    await settled();
    expect(receiver.tries).toEqual([]);
    expect(faults).toEqual([new Error("disk full")]);
    expect(dispatcher.size).toBe(0);
  });

  it("takes a notifier that breaks its word for one that may have sent", async () => {
    const { receiver, dispatcher, faults, outcomes } = await setUp();
    receiver.answers.push(new TypeError("not a function"));
    dispatcher.take(notice);
    await settled();
    expect(faults).toEqual([new TypeError("not a function")]);
    expect(await outcomes()).toMatchObject([{ status: "unknown", lastError: "the notifier failed" }]);
  });

  it("forgets outcomes in time", async () => {
    const { dispatcher, pass, outcomes } = await setUp();
    dispatcher.take(notice);
    await settled();
    await pass(KEEP_MS);
    expect(await outcomes()).toHaveLength(1);
    await pass(3_600_000);
    expect(await outcomes()).toEqual([]);
  });
});

describe("a dispatcher that closes", () => {
  it("lets what is under way end, and takes nothing more", async () => {
    const { receiver, dispatcher, outcomes, clock } = await setUp();
    receiver.isHolding = true;
    dispatcher.take(notice);
    await settled();
    const closed = dispatcher.close();
    expect(dispatcher.take(numbered(2))).toBe("closed");
    receiver.held[0]?.resolve();
    await closed;
    expect(await outcomes()).toMatchObject([{ eventId: notice.eventId, status: "sent" }]);
    expect(clock.timers).toBe(0);
    await dispatcher.close();
  });

  it("gives back what surely was not sent, so that it is due again", async () => {
    const registry = createMemoryRegistry();
    const before = await setUp({ registry, limits: { concurrency: 1 } });
    before.receiver.answers.push(busy);
    before.dispatcher.take(numbered(1));
    await settled();
    before.receiver.isHolding = true;
    before.dispatcher.take(numbered(2));
    before.dispatcher.take(numbered(3));
    await settled();
    const closed = before.dispatcher.close();
    before.receiver.held[0]?.reject(busy);
    await closed;
    expect(await before.outcomes()).toEqual([]);
    expect(before.dispatcher.counts.released).toBe(2);
    const after = await setUp({ registry });
    for (const index of [1, 2, 3]) after.dispatcher.take(numbered(index));
    await settled();
    expect(after.receiver.tries).toHaveLength(3);
  });

  it("gives back what it claimed and had not begun to send", async () => {
    const { receiver, dispatcher, outcomes } = await setUp();
    dispatcher.take(notice);
    await dispatcher.close();
    expect(receiver.tries).toEqual([]);
    expect(await outcomes()).toEqual([]);
  });

  it("cuts what does not end, and calls it unknown where it may have arrived", async () => {
    const { receiver, dispatcher, pass, outcomes } = await setUp();
    receiver.isHolding = true;
    dispatcher.take(notice);
    await settled();
    const closed = dispatcher.close();
    await pass(5000);
    await closed;
    expect(await outcomes()).toMatchObject([{ status: "unknown", attempts: 1, lastError: "it did not answer in time" }]);
  });
});
