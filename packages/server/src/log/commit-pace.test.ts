import { expect, it } from "vitest";
import { CommitPace } from "./commit-pace.ts";

function paceWith(utilization: () => number) {
  let now = 0;
  const alarms: { at: number; run: () => void }[] = [];
  const pace = new CommitPace({
    windowMs: 4,
    utilization,
    monotonic: () => now,
    after: (ms, run) => alarms.push({ at: now + ms, run }),
  });
  const pass = (ms: number) => {
    now += ms;
    for (const alarm of alarms.splice(0)) {
      if (alarm.at <= now) alarm.run();
      else alarms.push(alarm);
    }
  };
  return { pace, pass, alarms };
}

it("lets commits follow each other at once while the process is calm", () => {
  const { pace, pass } = paceWith(() => 0.4);
  for (let commit = 0; commit < 100; commit++) {
    expect(pace.next()).toBeUndefined();
    pass(0.3);
  }
});

it("keeps them a window apart while it is busy, and never delays the first after a pause", async () => {
  const { pace, pass, alarms } = paceWith(() => 1);
  expect(pace.next()).toBeUndefined();
  pass(1);
  const second = pace.next();
  expect(second).toBeInstanceOf(Promise);
  expect(alarms.map(({ at }) => at)).toEqual([4]);
  pass(3);
  await second;
  pass(4);
  expect(pace.next()).toBeUndefined();
});

it("opens the window in proportion, and closes it when the pressure is over", () => {
  let busy = 0.65;
  const { pace, pass, alarms } = paceWith(() => busy);
  void pace.next();
  void pace.next();
  expect(alarms[0]?.at).toBeCloseTo(2);
  pass(60);
  busy = 0.1;
  expect(pace.next()).toBeUndefined();
  pass(0.1);
  expect(pace.next()).toBeUndefined();
});
