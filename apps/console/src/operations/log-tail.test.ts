import type { LogTail as TailPage, LoggedEvent } from "@broadtape/protocol/operations";
import { expect, it } from "vitest";
import { Refused } from "./ask.ts";
import { LogTail, MAX_EVENTS, NO_FILTER } from "./log-tail.ts";

const event = (offset: number) => ({ offset, eventId: `e${offset}` }) as LoggedEvent;
const events = (from: number, count: number) => Array.from({ length: count }, (_, index) => event(from + index));
const page = (all: readonly LoggedEvent[], more: Partial<TailPage> = {}): TailPage => ({
  events: [...all],
  next: `after ${all.at(-1)?.offset ?? "nothing"}`,
  complete: true,
  ...more,
});

function rig(filter = NO_FILTER) {
  let isHidden = false;
  let onVisibility: () => void = () => undefined;
  const asked: { readonly path: string; readonly signal: AbortSignal; readonly answer: PromiseWithResolvers<TailPage> }[] = [];
  const host = {
    now: () => 7,
    after: (_ms: number, run: () => void) => {
      const timer = setImmediate(run);
      return () => clearImmediate(timer);
    },
    isHidden: () => isHidden,
    onVisibility: (listener: () => void) => {
      onVisibility = listener;
      return () => undefined;
    },
  };
  const ask = (path: string, signal: AbortSignal) => {
    const answer = Promise.withResolvers<TailPage>();
    asked.push({ path, signal, answer });
    return answer.promise;
  };
  const tail = new LogTail(host, ask, filter);
  tail.subscribe(() => undefined);
  const settled = async () => {
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    tail,
    asked,
    answer: async (given: TailPage) => {
      asked.at(-1)?.answer.resolve(given);
      await settled();
    },
    refuse: async (statusCode: number) => {
      asked.at(-1)?.answer.reject(new Refused(statusCode, "no"));
      await settled();
    },
    show: (shown: boolean) => {
      isHidden = !shown;
      onVisibility();
    },
    offsets: () => tail.get().value?.map(({ offset }) => offset),
  };
}

it("begins with the newest events, and waits for those after them", async () => {
  const { asked, answer, offsets } = rig({ ...NO_FILTER, type: " trading.* " });
  expect(asked[0]?.path).toBe("api/v1/operations/tail?limit=100&type=trading.*");
  await answer(page(events(1, 2)));
  expect(asked[1]?.path).toContain("&after=after%202&waitMs=");
  await answer(page(events(3, 1)));
  expect(offsets()).toEqual([3, 2, 1]);
});

it("keeps a bounded number of them", async () => {
  const { answer, offsets } = rig();
  for (let from = 1; from < 2 * MAX_EVENTS; from += 100) await answer(page(events(from, 100)));
  expect(offsets()?.length).toBe(MAX_EVENTS);
});

it("goes on with the newest where more comes than it reads, and marks what is left out", async () => {
  const { tail, asked, answer, offsets } = rig();
  await answer(page(events(1, 1)));
  await answer(page(events(2, 100), { complete: false }));
  expect(asked.at(-1)?.path).not.toContain("after");
  await answer(page(events(900, 2)));
  expect(offsets()?.slice(0, 3)).toEqual([901, 900, 101]);
  expect([...tail.get().gaps]).toEqual(["e900"]);
});

it("forgets what it knew when the log is another", async () => {
  const { asked, answer, offsets } = rig();
  await answer(page(events(1, 3)));
  await answer(page(events(1, 1), { resync: { reason: "unknown" } }));
  expect(offsets()).toEqual([1]);
  expect(asked.at(-1)?.path).not.toContain("after");
});

it("asks nothing while the page is hidden, and goes on from where it was", async () => {
  const { asked, answer, show } = rig();
  await answer(page(events(1, 1)));
  show(false);
  expect([asked.length, asked[1]?.signal.aborted]).toEqual([2, true]);
  show(true);
  expect(asked.at(-1)?.path).toContain("after=after%201");
});

it("is stale while the server is away, and asks again; not where its question is refused", async () => {
  const { tail, asked, answer, refuse } = rig();
  await answer(page(events(1, 1)));
  await refuse(0);
  expect([tail.get().staleSince, asked.length]).toEqual([7, 3]);
  await answer(page([]));
  expect(tail.get().staleSince).toBeUndefined();
  await refuse(400);
  expect([tail.get().refusal?.statusCode, asked.length]).toEqual([400, 4]);
});
