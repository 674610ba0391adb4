/** What followers of a topic are told, each for itself. */
import { describe, expect, it } from "vitest";
import type { EventMessage } from "@broadtape/protocol/native";
import { FakeEnvironment, idOf, settled } from "../testing/fake-environment.ts";
import { Broadtape } from "./broadtape.ts";
import type { TopicHandlers } from "./types.ts";

const event = (offset: number, topic = "feed:a"): EventMessage => ({
  type: "event",
  topic,
  event: "test",
  eventId: idOf(offset),
  time: "",
  data: { value: offset },
});
const price = (offset: number, value: number): EventMessage => ({ ...event(offset, "symbol:a"), key: "symbol:a", data: { value } });

async function connected() {
  const environment = new FakeEnvironment();
  const errors: unknown[] = [];
  const tape = new Broadtape({ url: "http://test", environment, onError: (error) => errors.push(error) });
  await settled();
  environment.link.welcome();
  const accept = async (states: Readonly<Record<string, unknown>>, cut = idOf(0)) => {
    await settled();
    environment.link.accept(states, cut);
    await settled();
  };
  const follow = (handlers: TopicHandlers, topic = "feed:a") => tape.follow<string>(topic, handlers);
  return { environment, tape, errors, accept, follow };
}

describe("a follower", () => {
  it("that leaves in the middle of a batch hears nothing more of it, and the others all", async () => {
    const { environment, accept, follow } = await connected();
    const told: string[] = [];
    const leaving = follow({
      onEvent: ({ eventId }) => {
        told.push(`leaving ${eventId ?? ""}`);
        leaving.unfollow();
      },
      onBatch: () => told.push("leaving, a batch"),
    });
    follow({ onEvent: ({ eventId }) => told.push(`staying ${eventId ?? ""}`), onBatch: ({ length }) => told.push(`staying, ${length}`) });
    await accept({ "feed:a": null });
    environment.link.say({ type: "batch", events: [event(1), event(2)] });
    expect(told).toEqual([`leaving ${idOf(1)}`, `staying ${idOf(1)}`, `staying ${idOf(2)}`, "staying, 2"]);
  });

  it("is told once that the topic is followed, whatever others do, and once of each change", async () => {
    const { environment, accept, follow } = await connected();
    const told: unknown[] = [];
    follow({ onStatus: (status) => told.push(status.ok ? "ok" : status.code) });
    await accept({ "feed:a": null });
    environment.link.say(event(1));
    follow({ onStatus: () => undefined });
    await accept({ "feed:a": { value: 1 } }, idOf(1));
    environment.link.end();
    await environment.pass(1000);
    environment.link.welcome();
    await accept({});
    expect(told).toEqual(["ok"]);
    for (let times = 0; times < 2; times++) environment.link.say({ type: "revoked", topics: ["feed:a"] });
    environment.link.say(event(2));
    expect(told).toEqual(["ok", "REVOKED"]);
  });

  it("that throws at everything silences nobody, and its faults are told", async () => {
    const { environment, errors, accept, follow } = await connected();
    const fault = () => {
      throw new Error("a follower's own fault");
    };
    follow({ onSnapshot: fault, onSnapshots: fault, onEvent: fault, onBatch: fault, onStatus: fault, onResync: fault });
    const told: unknown[] = [];
    follow({ onSnapshot: (state) => told.push(state), onEvent: ({ eventId }) => told.push(eventId), onResync: (why) => told.push(why) });
    await accept({ "feed:a": null });
    environment.link.say(event(1));
    environment.link.say({ type: "resync", topics: ["feed:a"], reason: "expired", from: "", head: "" });
    expect(told).toEqual([null, idOf(1), "expired"]);
    expect(errors).toHaveLength(6);
  });

  it("with a cursor of before what others have passed is told of the gap, and gets the state", async () => {
    const { environment, tape, accept, follow } = await connected();
    const others: unknown[] = [];
    follow({ onEvent: ({ eventId }) => others.push(eventId), onResync: (reason) => others.push(reason) });
    await accept({ "feed:a": null });
    environment.link.say(event(5));
    const told: unknown[] = [];
    const late: TopicHandlers = { onSnapshot: (state) => told.push(state), onResync: (reason) => told.push(reason) };
    tape.follow<string>("feed:a", late, { after: idOf(2) });
    await accept({ "feed:a": { value: 5 } }, idOf(5));
    expect([told, others]).toEqual([["expired", { value: 5 }], [idOf(5)]]);
  });

  it("of a topic that is followed with other filters is refused, and the topic goes on", async () => {
    const { tape, environment, accept, follow } = await connected();
    follow({});
    await accept({ "feed:a": null });
    expect(await tape.follow<string>("feed:a", {}, { filters: { side: "buy" } }).ready).toMatchObject({ code: "BAD_REQUEST" });
    expect(await follow({}, "").ready).toMatchObject({ code: "BAD_REQUEST" });
    await settled();
    expect(environment.link.said("unsubscribe")).toEqual([]);
  });
});

describe("events", () => {
  it("that were told, or are in the snapshot, are not told again", async () => {
    const { environment, accept, follow } = await connected();
    const told: unknown[] = [];
    follow({ onEvent: ({ eventId }) => told.push(eventId) });
    await accept({ "feed:a": { value: 3 } }, idOf(3));
    for (const offset of [2, 3, 4, 4, 5]) environment.link.say(event(offset));
    expect(told).toEqual([idOf(4), idOf(5)]);
  });

  it("of the conflated class are compared by key, and with the snapshot once there is a new one", async () => {
    const { environment, tape, accept, follow } = await connected();
    const told: unknown[] = [];
    follow({ onEvent: ({ eventId }) => told.push(eventId), onSnapshot: () => told.push("snapshot") }, "symbol:a");
    await accept({ "symbol:a": null });
    environment.link.say(price(5, 5));
    environment.link.say(price(4, 4));
    environment.link.say({ type: "resync", topics: ["symbol:a"], reason: "expired", from: "", head: "" });
    await accept({ "symbol:a": { value: 9 } }, idOf(9));
    environment.link.say(price(7, 7));
    environment.link.say(price(10, 10));
    expect(told).toEqual(["snapshot", idOf(5), "snapshot", idOf(10)]);
    expect(tape.view("symbol:a").get()).toMatchObject({ value: 10 });
  });

  it("without an id are ticks: told as they come", async () => {
    const { environment, accept, follow } = await connected();
    const told: unknown[] = [];
    follow({ onEvent: ({ data }) => told.push(data) });
    await accept({ "feed:a": null });
    for (const left of [2, 1]) environment.link.say({ type: "event", topic: "feed:a", event: "tick", time: "", data: { left } });
    expect(told).toEqual([{ left: 2 }, { left: 1 }]);
  });

  it("of a pattern are told by whoever matches, and its states come together", async () => {
    const { environment, accept, follow } = await connected();
    const told: unknown[] = [];
    const states: unknown[] = [];
    follow(
      {
        onEvent: ({ topic }) => told.push(topic),
        onSnapshot: (_state, { topic }) => told.push(`state of ${topic}`),
        onSnapshots: (all) => states.push(all.length),
      },
      "feed:*",
    );
    await accept({ "feed:a": { value: 1 }, "feed:b": { value: 1 } }, idOf(1));
    environment.link.say(event(2, "feed:c"));
    environment.link.say(event(3, "symbol:c"));
    expect([told, states]).toEqual([["state of feed:a", "state of feed:b", "feed:c"], [2]]);
  });
});
