import { expect, it } from "vitest";
import { Inbox } from "./inbox.ts";

const turn = () => new Promise(setImmediate);

function newInbox(limitBytes: number, turnBytes: number) {
  const told: (number | string)[] = [];
  const inbox = new Inbox({
    limitBytes,
    turnBytes,
    hear: ([first = -1]) => told.push(first),
    onOverflow: (messages) => told.push(`${messages} dropped`),
  });
  return { inbox, told, push: (...firsts: number[]) => firsts.forEach((first) => inbox.push(Buffer.of(first, 0))) };
}

it("is heard in order, not before the turn is over, and no more in a turn than is allowed", async () => {
  const { push, told } = newInbox(100, 4);
  push(1, 2, 3, 4, 5);
  expect(told).toEqual([]);
  await turn();
  expect(told).toEqual([1, 2]);
  push(6);
  await turn();
  expect(told).toEqual([1, 2, 3, 4]);
  await turn();
  expect(told).toEqual([1, 2, 3, 4, 5, 6]);
});

it("forgets everything when more comes than it holds, says so once before anything else is heard, and goes on", async () => {
  const { push, told } = newInbox(4, 2);
  push(1, 2);
  await turn();
  push(3, 4, 5);
  expect(told).toEqual([1]);
  await turn();
  expect(told).toEqual([1, "4 dropped"]);
  push(6, 7);
  await turn();
  await turn();
  expect(told).toEqual([1, "4 dropped", 6, 7]);
});

it("is silent when it is closed", async () => {
  const { inbox, push, told } = newInbox(100, 100);
  push(1);
  inbox.close();
  await turn();
  expect(told).toEqual([]);
});
