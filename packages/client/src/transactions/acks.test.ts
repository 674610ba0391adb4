import { expect, it } from "vitest";
import { FakeEnvironment } from "../../testing/fake-environment.ts";
import { Acks } from "./acks.ts";

function open() {
  const environment = new FakeEnvironment();
  const sent: (readonly string[])[] = [];
  const acks = new Acks(environment, (eventIds) => sent.push(eventIds));
  return { environment, sent, acks };
}

it("says many in one message within some milliseconds, and each once", async () => {
  const { environment, sent, acks } = open();
  acks.open();
  for (const id of ["a", "b", "a"]) acks.add(id);
  expect(sent).toEqual([]);
  await environment.pass(20);
  acks.add("c");
  await environment.pass(20);
  expect(sent).toEqual([["a", "b"], ["c"]]);
  expect(environment.alarms).toBe(0);
});

it("keeps what was not said over a cut", async () => {
  const { environment, sent, acks } = open();
  acks.add("a");
  acks.open();
  acks.add("b");
  acks.cut();
  acks.add("c");
  await environment.pass(1000);
  expect([sent, environment.alarms]).toEqual([[], 0]);
  acks.open();
  await environment.pass(20);
  expect(sent).toEqual([["a", "b", "c"]]);
});

it("says no more than a thousand in a message, and no more messages than its budget", async () => {
  const { environment, sent, acks } = open();
  acks.open();
  for (let id = 0; id < 2500; id++) acks.add(String(id));
  await environment.pass(20);
  expect(sent.map((ids) => ids.length)).toEqual([1000, 1000, 500]);
  for (let round = 0; round < 3000; round++) {
    acks.add(`r${round}`);
    await environment.pass(20);
  }
  expect(sent.length).toBeLessThan(100 + 20 * 61);
  acks.pause(5000);
  const before = sent.length;
  acks.add("late");
  await environment.pass(4900);
  expect(sent).toHaveLength(before);
  await environment.pass(200);
  expect(sent.flat()).toContain("late");
});
