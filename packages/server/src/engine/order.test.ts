/** Lossless events and conflated values on one connection: each in its place in the log, and a cursor that passes nothing. */
import { describe, expect, it } from "vitest";
import { streamId } from "@broadtape/protocol/event-id";
import { messageOf } from "../../testing/connection.ts";
import { outboxRig, value } from "../../testing/outbox-rig.ts";
import { Rig, identityOf } from "../../testing/rig.ts";

const ann = identityOf("ann", ["feed:a", "feed:b"]);
const offsetsOf = (bodies: readonly unknown[]) => (bodies as { offset: number }[]).map(({ offset }) => offset);
const start = streamId(7, 0, 0);

async function setUp(ringEvents?: number) {
  const rig = await Rig.start({ ...(ringEvents !== undefined && { limits: { ringEvents } }) });
  for (let round = 1; round <= 10; round++) {
    await rig.publish([["feed", "a", round]]);
    await rig.publish([["gauge", round % 2 === 0 ? "x" : "y", round]]);
  }
  return rig;
}

describe("a client that resumes topics of both classes", () => {
  it.each([1000, 4])("is told what it missed in log order, values in their place (ring of %i)", async (ringEvents) => {
    const rig = await setUp(ringEvents);
    const { session, client } = rig.open(ann);
    await rig.follow(session, { topics: ["gauge:x", "gauge:y", "feed:a"], after: start });
    expect(offsetsOf(client.bodies("event"))).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 18, 19, 20]);
  });

  it("is told a value of meanwhile after the events before it, once", async () => {
    const rig = await setUp(4);
    const { session, client } = rig.open(ann);
    const followed = rig.follow(session, { topics: ["gauge:x", "feed:a"], after: start, snapshot: false });
    await rig.publish([["gauge", "x", 100]]);
    await rig.publish([["feed", "a", 100]]);
    await followed;
    const told = offsetsOf(client.bodies("event"));
    expect(told.filter((offset) => offset !== 20)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 22]);
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
  });

  it("is told the values in log order, whatever the order of its topics", async () => {
    const rig = await setUp();
    for (const topics of [
      ["gauge:x", "gauge:y"],
      ["gauge:y", "gauge:x"],
    ]) {
      const { session, client } = rig.open(ann);
      await rig.follow(session, { topics, after: start });
      expect(offsetsOf(client.bodies("event"))).toEqual([18, 20]);
    }
  });

  it("is told all of two topics that it resumes by two commands at once", async () => {
    const rig = await Rig.start({ limits: { ringEvents: 4 } });
    for (let round = 1; round <= 20; round++) await rig.publish([["feed", round % 2 === 0 ? "a" : "b", round]]);
    const { session, client } = rig.open(ann);
    const both = [rig.follow(session, { topics: ["feed:a"], after: start }), rig.follow(session, { topics: ["feed:b"], after: start })];
    await Promise.all(both);
    expect(offsetsOf(client.bodies("event"))).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});

it("reads no event out of the log before it is routed", async () => {
  const rig = await Rig.start({ limits: { ringEvents: 4 } });
  for (let round = 1; round <= 20; round++) await rig.publish([["feed", "a", round]]);
  const { session, client } = rig.open(ann);
  const read = rig.log.read.bind(rig.log);
  // Durable while the page is read, routed after it.
  rig.log.read = async (request) => {
    rig.log.read = read;
    const publishing = rig.publish([["feed", "a", 21]]);
    const page = await read(request);
    await publishing;
    return page;
  };
  await rig.follow(session, { topics: ["feed:a"], after: start });
  expect(offsetsOf(client.bodies("event"))).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
});

describe("the cursor on a wire whose client keeps it", () => {
  const surface = {
    word: ({ offset, eventId }: { offset: number; eventId: string }) => ({ name: "event", body: JSON.stringify({ offset }), id: eventId }),
  };
  function setUpCursor() {
    const rig = outboxRig(surface, { keepsCursor: true });
    const ids: (string | undefined)[] = [];
    const { form } = rig.client;
    const { frame } = form;
    form.frame = (words) => {
      ids.push(words.id);
      return frame(words);
    };
    return { ...rig, ids };
  }

  it("never passes a value that still waits for its time, and never goes back", () => {
    const { clock, subscription, deliver, heard, ids } = setUpCursor();
    const slow = subscription(100);
    deliver(slow, value(1, "x"), value(2, "x"));
    clock.turn();
    clock.advance(50);
    deliver(slow, value(3, "y"));
    clock.turn();
    clock.advance(60);
    deliver(slow, value(4, "y"), value(5, "z"));
    clock.turn();
    clock.advance(200);
    expect(heard()).toEqual([1, 3, 2, 5, 4]);
    expect(ids).toEqual(["id-1", "id-1", "id-2", "id-3", "id-4"]);
  });

  it("is none with what the clock brings, which stands nowhere in the log", () => {
    const { clock, subscription, deliver, ids } = setUpCursor();
    const tick = messageOf({ offset: Number.MAX_SAFE_INTEGER, key: "tick", eventId: "" });
    const slow = subscription(100);
    deliver(subscription(), value(1, "x"), tick);
    clock.turn();
    deliver(slow, tick);
    clock.turn();
    deliver(slow, tick, value(2, "x"));
    clock.turn();
    clock.advance(200);
    expect(ids).toEqual(["id-1", "", "id-2"]);
  });

  it("is the event's own where nothing waits", () => {
    const { clock, subscription, deliver, ids } = setUpCursor();
    deliver(subscription(), value(1, "x"), value(2, "y"));
    clock.turn();
    expect(ids).toEqual(["id-1", "id-2"]);
  });
});
