import { expect, it } from "vitest";
import { Refused } from "./ask.ts";
import { Poll } from "./poll.ts";

function rig() {
  let now = 0;
  let isHidden = false;
  let timer: { readonly at: number; readonly run: () => void } | undefined;
  let onVisibility: () => void = () => undefined;
  const questions: PromiseWithResolvers<number>[] = [];
  const host = {
    now: () => now,
    after: (ms: number, run: () => void) => {
      const own = { at: now + ms, run };
      timer = own;
      return () => {
        if (timer === own) timer = undefined;
      };
    },
    isHidden: () => isHidden,
    onVisibility: (listener: () => void) => {
      onVisibility = listener;
      return () => (onVisibility = () => undefined);
    },
  };
  const ask = () => {
    const question = Promise.withResolvers<number>();
    questions.push(question);
    return question.promise;
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    poll: new Poll(host, ask, 1000),
    questions,
    answer: async (value: number) => {
      questions.at(-1)?.resolve(value);
      await settled();
    },
    fail: async (statusCode: number) => {
      questions.at(-1)?.reject(new Refused(statusCode, "no"));
      await settled();
    },
    /** Runs what waits; the time it had waited. */
    pass: () => {
      const due = timer;
      if (due === undefined) return undefined;
      timer = undefined;
      const waited = due.at - now;
      now = due.at;
      due.run();
      return waited;
    },
    show: (shown: boolean) => {
      isHidden = !shown;
      onVisibility();
    },
  };
}

it("asks at once, and again a while after each answer", async () => {
  const { poll, questions, answer, pass } = rig();
  poll.subscribe(() => undefined);
  await answer(1);
  expect([poll.get().value, poll.get().asOf, pass(), questions.length]).toEqual([1, 0, 1000, 2]);
});

it("keeps the last answer and says since when it is stale, asking less and less often", async () => {
  const { poll, answer, fail, pass } = rig();
  poll.subscribe(() => undefined);
  await answer(1);
  pass();
  await fail(0);
  expect(poll.get()).toMatchObject({ value: 1, staleSince: 0, refusal: { statusCode: 0 } });
  const waits = [];
  for (let n = 0; n < 5; n++) {
    waits.push(pass());
    await fail(503);
  }
  expect(waits).toEqual([2000, 4000, 5000, 5000, 5000]);
  pass();
  await answer(2);
  expect(poll.get()).toMatchObject({ value: 2, staleSince: undefined, refusal: undefined });
});

it("does not ask again where it is forbidden", async () => {
  const { poll, fail, pass } = rig();
  poll.subscribe(() => undefined);
  await fail(403);
  expect(pass()).toBeUndefined();
});

it("asks nothing while the page is hidden, and at once when it is shown again", async () => {
  const { poll, questions, answer, pass, show } = rig();
  poll.subscribe(() => undefined);
  await answer(1);
  show(false);
  pass();
  expect(questions.length).toBe(1);
  show(true);
  expect(questions.length).toBe(2);
});

it("has one question open at a time, and asks once more after it where it was told to", async () => {
  const { poll, questions, answer } = rig();
  poll.subscribe(() => undefined);
  poll.again();
  poll.again();
  expect(questions.length).toBe(1);
  await answer(1);
  expect(questions.length).toBe(2);
});

it("stops when nobody listens any more", async () => {
  const { poll, answer, pass } = rig();
  const off = poll.subscribe(() => undefined);
  off();
  await answer(1);
  expect(pass()).toBeUndefined();
});
