import { expect, it } from "vitest";
import { streamId } from "@broadtape/protocol/event-id";
import { LogUnavailable } from "../log/log.ts";
import { Rig, identityOf } from "../../testing/rig.ts";

const publisher = { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" };
const batchOf = (count: number) => Array.from({ length: count }, (_, value) => ({ type: "test.feed", data: { name: "a", value } }));

it("refuses what the log cannot take while earlier batches are still applied, and only its publisher hears of it", async () => {
  const rig = await Rig.start();
  const outcomes = await Promise.allSettled([400, 400, 400, 100].map((count) => rig.engine.publish(batchOf(count), publisher)));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[2]).toMatchObject({ reason: expect.any(LogUnavailable) });
  expect([rig.engine.routedTo, rig.faults]).toEqual([900, []]);
});

it("spells every place in the log as the id of the event there", async () => {
  const rig = await Rig.start();
  const ids: string[] = [];
  for (let count = 1; count <= 5; count++) {
    const { results } = await rig.engine.publish(batchOf(2), publisher);
    ids.push(...results.map(({ eventId }) => eventId));
    rig.clock.advance(1000);
  }
  expect(ids.map((_, index) => rig.engine.cursorAt(index + 1))).toEqual(ids);
  const { session } = rig.open(identityOf("ann"));
  expect(session.cursor).toBe(ids.at(-1));
  expect(rig.engine.cursorAt(0)).toBe(streamId(7, 0, 0));
});
