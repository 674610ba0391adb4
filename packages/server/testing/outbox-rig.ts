/** An outbox alone: its connection, its owner and what it shares with others in a test's hands. */
import type { Form, Message, Surface } from "../src/engine/message.ts";
import { newMeter } from "../src/engine/meter.ts";
import { Outbox } from "../src/engine/outbox.ts";
import type { Subscription } from "../src/engine/topics.ts";
import { Turn } from "../src/engine/turn.ts";
import { Wheel } from "../src/engine/wheel.ts";
import { FakeConnection, messageOf, testForm, testSurface } from "./connection.ts";
import { FakeClock } from "./fake-clock.ts";
import { Rig, identityOf } from "./rig.ts";

const { session } = (await Rig.start()).open(identityOf("ann"));

export function outboxRig(over: Partial<Surface> = {}, form: Partial<Form> = {}) {
  const clock = new FakeClock();
  const meter = newMeter();
  const turn = new Turn(clock, meter, 0);
  const host = {
    clock,
    wheel: new Wheel(clock),
    turn,
    meter,
    limits: { unsentBytes: 2000, behindBytes: 500 },
    routedTo: 0,
    cursorAt: (offset: number) => `id-${offset}`,
  };
  const said: string[] = [];
  const surface = testSurface(over);
  const client = new FakeConnection({ ...testForm(surface), ...form });
  const owner = {
    recipient: session.recipient,
    reported: () => undefined,
    paused: () => said.push("paused"),
    drained: () => said.push("drained"),
    sent: () => undefined,
    wants: (message: Message) => message.offset !== 666,
    overrun: () => said.push("overrun"),
  };
  const outbox = new Outbox(host, owner, surface, client);
  const subscription = (minIntervalMs = 0): Subscription => ({
    session,
    name: "x",
    from: 0,
    since: 0,
    minIntervalMs,
    filter: undefined,
    sentAt: new Map(),
    places: new Map(),
  });
  /** Routes messages one a batch, as the engine does. */
  const deliver = (to: Subscription, ...messages: readonly Message[]) => {
    for (const message of messages) {
      outbox.deliver(to, message);
      host.routedTo = message.offset;
    }
  };
  const heard = () => client.bodies("event").map((body) => (body as { offset: number }).offset);
  return { clock, meter, host, outbox, client, said, subscription, deliver, heard };
}
/** A value of the conflated class. */
export const value = (offset: number, key = "k", topic = "gauge:k") => messageOf({ offset, key, topic });
