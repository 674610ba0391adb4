import { expect, it } from "vitest";
import { messageOf } from "../../testing/connection.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Delivery } from "./delivery.ts";

const at = (offset: number) => messageOf({ offset });
const NOWHERE = { acked: { upTo: 0, gaps: [] }, attempts: new Map<number, number>() };

function sentTo(offset: number) {
  const clock = new FakeClock();
  const delivery = new Delivery({ window: 4, redeliverMs: 10_000, sends: 5 }, clock, NOWHERE);
  for (let each = 1; each <= offset; each++) delivery.sending(at(each));
  return { clock, delivery };
}

it("sends nothing by its own deadline that a rewind sends anew in its place, and goes on counting its attempts", () => {
  const { clock, delivery } = sentTo(4);
  delivery.ackUpTo(2);
  delivery.rewind(1);
  clock.advance(10_000);
  expect(delivery.due()).toEqual([]);
  expect(delivery.nextDueAt).toBe(Infinity);
  expect([2, 3, 4].map((offset) => delivery.sending(at(offset)))).toEqual([1, 2, 2]);
  expect(delivery.state()).toEqual({
    acked: { upTo: 4, gaps: [2, 3, 4] },
    attempts: new Map([
      [2, 1],
      [3, 2],
      [4, 2],
    ]),
  });
});

it("goes on waiting for what stands before the place of a rewind", () => {
  const { clock, delivery } = sentTo(3);
  delivery.rewind(2);
  clock.advance(10_000);
  expect(delivery.due().map(({ message }) => message.offset)).toEqual([1, 2]);
});

it("does not wait for what the client acknowledges before it went out anew", () => {
  const { delivery } = sentTo(3);
  delivery.rewind(1);
  expect(delivery.ack(3)).toBe(false);
  expect(delivery.ackUpTo(3)).toEqual([1]);
});
