import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventMessage } from "@broadtape/protocol/native";
import { parseEventId } from "@broadtape/protocol/event-id";
import { FakeEnvironment, settled } from "../testing/fake-environment.ts";
import { ModelServer, ModelSession, isLossless } from "../testing/model-server.ts";
import { Broadtape } from "./broadtape.ts";
import type { Fold } from "./folds.ts";

const TOPICS = ["sum:a", "sum:b", "feed:a", "symbol:a", "symbol:b"];

const valueOf = (from: unknown): number => (from as { value: number }).value;
const addUp: Fold = (state, { data, eventId }) => ({ value: (state === undefined ? 0 : valueOf(state)) + valueOf(data), eventId });
const offsetOf = (id: string | undefined): number => parseEventId(id ?? "")?.offset ?? 0;
const fold = (topic: string, state: unknown, event: EventMessage): unknown => {
  if (topic.startsWith("sum:")) return addUp(state ?? undefined, event);
  const value = topic.startsWith("feed:") ? (state === null ? 0 : valueOf(state)) + 1 : valueOf(event.data);
  return { value, eventId: event.eventId };
};

/** Follows a topic and checks each call against what the server has published. */
class Checker {
  state: unknown;
  readonly topic: string;
  readonly unfollow: () => void;
  /** Everything of the topic up to here was told; undefined before the first snapshot and after a resync. */
  #at: number | undefined;

  constructor(tape: Broadtape, server: ModelServer, topic: string) {
    this.topic = topic;
    const { unfollow } = tape.follow(topic, {
      onSnapshot: (state, { cursor }) => {
        if (this.#at !== undefined) throw new Error(`${topic}: a snapshot although everything was told`);
        this.state = state;
        this.#at = offsetOf(cursor);
      },
      onEvent: (event) => {
        const offset = offsetOf(event.eventId);
        if (this.#at === undefined) throw new Error(`${topic}: an event before any snapshot`);
        const missed = server.log.filter((each) => each.topic === topic && each.offset > (this.#at ?? 0) && each.offset < offset);
        if (isLossless(topic)) expect(missed).toEqual([]);
        expect(offset).toBeGreaterThan(offsetOf((this.state as { eventId: string } | null)?.eventId));
        this.state = fold(topic, this.state, event);
        this.#at = offset;
      },
      onResync: () => (this.#at = undefined),
    });
    this.unfollow = unfollow;
  }
}

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      topics: fc.array(fc.constantFrom(...TOPICS), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("deliver" as const), count: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(4000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "ping" as const, "lag" as const, "catchUp" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("follow" as const, "unfollow" as const), topic: fc.constantFrom(...TOPICS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("wipe" as const, "expire" as const) }) },
);

async function play(actions: readonly (typeof action extends fc.Arbitrary<infer A> ? A : never)[]): Promise<void> {
  const environment = new FakeEnvironment();
  const server = new ModelServer();
  let session: ModelSession | undefined;
  environment.onOpen = (link) => (session = new ModelSession(server, link));
  const errors: unknown[] = [];
  const tape = new Broadtape({ url: "http://test", environment, folds: { sum: addUp }, onError: (error) => errors.push(error) });
  const checkers = TOPICS.map((topic) => new Checker(tape, server, topic));
  const views = ["sum:b", "symbol:b"].map((topic) => ({ topic, view: tape.view(topic) }));
  for (const { view } of views) view.subscribe(() => undefined);
  let value = 0;
  for (const step of actions) {
    if (step.do === "publish") server.publish(step.topics.map((topic) => ({ topic, value: ++value })));
    else if (step.do === "deliver") session?.deliver(step.count);
    else if (step.do === "pass") await environment.pass(step.ms);
    else if (step.do === "follow") checkers.push(new Checker(tape, server, step.topic));
    else if (step.do === "unfollow") {
      const index = checkers.findIndex(({ topic }) => topic === step.topic);
      for (const checker of index < 0 ? [] : checkers.splice(index, 1)) checker.unfollow();
    } else if (step.do === "wipe" || step.do === "expire") server[step.do]();
    else session?.[step.do]();
    await settled();
  }
  // Time to come back: nothing more happens to the network.
  for (let turn = 0; turn < 40; turn++) {
    session?.catchUp();
    session?.ping();
    session?.deliver(1000);
    await environment.pass(1000);
  }
  expect(errors).toEqual([]);
  expect(tape.status.get().state).toBe("live");
  for (const { topic, state } of checkers) expect({ topic, state }).toEqual({ topic, state: server.state(topic) });
  for (const { topic, view } of views) expect({ topic, state: view.get() }).toEqual({ topic, state: server.state(topic) });
  tape.close();
  expect(environment.alarms).toBe(0);
}

describe("recovery", () => {
  it("folds to the server's state with no gap and no duplicate, wherever the connection is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: "max" }), (actions) => play(actions)),
      { numRuns: 700, seed: Number(process.env["BROADTAPE_TEST_SEED"] ?? 1) },
    );
  });
});
