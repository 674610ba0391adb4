import { describe, expect, it } from "vitest";
import type { FeedEventMessage } from "@broadtape/protocol/products/transactions/messages";
import { feedIdOf, transactionText } from "../../testing/fake-feed.ts";
import { settled } from "../../testing/fake-environment.ts";
import { HandOut } from "./hand-out.ts";

function open(window = 1) {
  const handled: string[] = [];
  const errors: unknown[] = [];
  const handOut = new HandOut(window, { onHandled: (eventId) => handled.push(eventId), onError: (error) => errors.push(error) });
  const messageOf = (offset: number) => JSON.parse(transactionText(offset)) as FeedEventMessage;
  return { handOut, handled, errors, messageOf };
}

describe("the hand-out", () => {
  it("remembers the newest thousands of what it has handled, and four windows where that is more", () => {
    for (const [window, remembered] of [
      [1, 4096],
      [2000, 8000],
    ] as const) {
      const { handOut, messageOf } = open(window);
      const told: string[] = [];
      const takers = [{ callback: ({ eventId }: FeedEventMessage) => told.push(eventId) }];
      for (let offset = 1; offset <= remembered + 1; offset++) handOut.take(messageOf(offset), takers);
      told.length = 0;
      handOut.take(messageOf(2), takers);
      expect(told).toEqual([]);
      handOut.take(messageOf(1), takers);
      expect(told).toEqual([feedIdOf(1)]);
    }
  });

  it("counts an event that nobody takes as handled", () => {
    const { handOut, handled, messageOf } = open();
    handOut.take(messageOf(1), []);
    expect(handled).toEqual([feedIdOf(1)]);
  });

  it("tells the same function once for each time that it is registered", () => {
    const { handOut, messageOf } = open();
    let calls = 0;
    const callback = () => (calls += 1);
    handOut.take(messageOf(1), [{ callback }, { callback }]);
    expect(calls).toBe(2);
  });

  it("stands before the oldest event that a callback has not managed, or is at", async () => {
    const { handOut, errors, messageOf } = open();
    expect(handOut.position).toBeUndefined();
    const finish: (() => void)[] = [];
    const slow = [{ callback: () => new Promise<void>((resolve) => finish.push(resolve)) }];
    handOut.take(messageOf(5), slow);
    handOut.take(messageOf(9), []);
    expect(handOut.position).toBe(feedIdOf(4));
    finish[0]?.();
    await settled();
    expect(handOut.position).toBe(feedIdOf(9));
    const bad = { callback: () => Promise.reject(new Error("no")) };
    handOut.take(messageOf(12), [bad]);
    await settled();
    expect([handOut.position, errors]).toEqual([feedIdOf(11), [new Error("no")]]);
    // Who failed is gone: nobody waits for it any more.
    handOut.take(messageOf(12), []);
    expect(handOut.position).toBe(feedIdOf(12));
    handOut.forget();
    expect(handOut.position).toBeUndefined();
  });

  it("waits for anything that has a `then`, and takes what that throws", async () => {
    const { handOut, handled, errors, messageOf } = open();
    const later = { callback: () => ({ then: (resolve: () => void) => queueMicrotask(resolve) }) };
    const broken = {
      callback: () => ({
        then: () => {
          throw new Error("no");
        },
      }),
    };
    handOut.take(messageOf(1), [later]);
    handOut.take(messageOf(2), [broken]);
    expect(handled).toEqual([]);
    await settled();
    expect([handled, errors]).toEqual([[feedIdOf(1)], [new Error("no")]]);
  });
});
