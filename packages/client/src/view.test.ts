import { describe, expect, it } from "vitest";
import type { EventMessage } from "@broadtape/protocol/native";
import { FakeEnvironment, idOf, settled } from "../testing/fake-environment.ts";
import { Broadtape } from "./broadtape.ts";
import type { Fold } from "./folds.ts";

const valueOf = (from: unknown): number => (from as { value: number }).value;
const addUp: Fold = (state, { data }) => ({ value: (state === undefined ? 0 : valueOf(state)) + valueOf(data) });

async function connected() {
  const environment = new FakeEnvironment();
  const errors: unknown[] = [];
  const tape = new Broadtape({ url: "http://test", environment, folds: { sum: addUp }, onError: (error) => errors.push(error) });
  await settled();
  environment.link.welcome();
  const event = (offset: number, value: unknown, topic = "sum:a"): EventMessage => ({
    type: "event",
    topic,
    event: "test",
    eventId: idOf(offset),
    time: "",
    data: { value },
  });
  const accept = async (states: Readonly<Record<string, unknown>>, cut = idOf(0)) => {
    await settled();
    environment.link.accept(states, cut);
  };
  return { environment, tape, errors, event, accept };
}

describe("a view", () => {
  it("is undefined until known, null where nothing was published, and then what the events make of it", async () => {
    const { environment, tape, event, accept } = await connected();
    const view = tape.view("sum:a");
    const seen: unknown[] = [];
    view.subscribe(() => seen.push(view.get()));
    expect(view.get()).toBeUndefined();
    await accept({ "sum:a": null });
    environment.link.say(event(1, 5));
    environment.link.say(event(2, 6));
    expect(seen).toEqual([null, { value: 5 }, { value: 11 }]);
  });

  it("keeps its reference until something of its own changes, and tells once a batch", async () => {
    const { environment, tape, event, accept } = await connected();
    const view = tape.view("sum:a");
    let told = 0;
    view.subscribe(() => (told += 1));
    tape.follow("sum:b", {});
    await accept({ "sum:a": { value: 1 }, "sum:b": null }, idOf(1));
    const state = view.get();
    expect([state, told]).toEqual([{ value: 1 }, 1]);
    environment.link.say(event(2, 9, "sum:b"));
    environment.link.say({ type: "ping", serverTime: 0, lastEventId: idOf(3) });
    environment.link.say(event(1, 9));
    expect(view.get()).toBe(state);
    expect(told).toBe(1);
    environment.link.say({ type: "batch", events: [event(4, 1), event(4, 2), event(4, 3)] });
    expect([view.get(), told]).toEqual([{ value: 7 }, 2]);
  });

  it("of two views of one batch shows all of it to whoever is told first", async () => {
    const { environment, tape, event, accept } = await connected();
    const [a, b] = [tape.view("sum:a"), tape.view("sum:b")];
    b.subscribe(() => undefined);
    const seen: unknown[] = [];
    tape.follow("sum:a", { onEvent: () => seen.push([a.get(), b.get()]) });
    await accept({ "sum:a": null, "sum:b": null });
    environment.link.say({ type: "batch", events: [event(1, 1, "sum:a"), event(1, 2, "sum:b")] });
    expect(seen).toEqual([[{ value: 1 }, { value: 2 }]]);
  });

  it("follows while anybody listens, once, and no longer", async () => {
    const { environment, tape, accept } = await connected();
    const view = tape.view("sum:a");
    await settled();
    expect(environment.link.sent).toEqual([]);
    const [offFirst, offSecond] = [view.subscribe(() => undefined), view.subscribe(() => undefined)];
    await accept({ "sum:a": { value: 1 } });
    offFirst();
    offFirst();
    await settled();
    expect(view.get()).toEqual({ value: 1 });
    expect(environment.link.sent.map(({ type }) => type)).toEqual(["subscribe"]);
    offSecond();
    await settled();
    expect(environment.link.sent.map(({ type }) => type)).toEqual(["subscribe", "unsubscribe"]);
    expect(view.get()).toBeUndefined();
    view.subscribe(() => undefined);
    expect(view.get()).toBeUndefined();
  });

  it("that is left and listened to again in one turn has one subscription throughout", async () => {
    const { environment, tape, accept } = await connected();
    const view = tape.view("sum:a");
    view.subscribe(() => undefined)();
    view.subscribe(() => undefined);
    await accept({ "sum:a": { value: 1 } });
    expect(environment.link.sent.map(({ type }) => type)).toEqual(["subscribe"]);
    expect(view.get()).toEqual({ value: 1 });
  });

  it("shows what is known when somebody looks who does not listen", async () => {
    const { tape, accept } = await connected();
    tape.follow("sum:a", {});
    await accept({ "sum:a": { value: 1 } });
    expect(tape.view("sum:a").get()).toEqual({ value: 1 });
    expect(tape.view("sum:b").get()).toBeUndefined();
  });

  it("shows what was last known through a cut and after the end, and nothing of what one may not see any more", async () => {
    const { environment, tape, accept } = await connected();
    const [kept, revoked] = [tape.view("sum:a"), tape.view("sum:b")];
    for (const view of [kept, revoked]) view.subscribe(() => undefined);
    await accept({ "sum:a": { value: 1 }, "sum:b": { value: 2 } });
    environment.link.say({ type: "revoked", topics: ["sum:b"] });
    expect(revoked.get()).toBeUndefined();
    environment.link.end();
    expect(kept.get()).toEqual({ value: 1 });
    tape.close();
    expect(kept.get()).toEqual({ value: 1 });
  });

  it("needs a fold, and a topic", async () => {
    const { tape } = await connected();
    expect(() => tape.view("feed:a")).toThrow(TypeError);
    expect(() => tape.view("sum:*")).toThrow(TypeError);
  });
});

describe("a view with a fold of its own", () => {
  it("folds from the snapshot on, beside others", async () => {
    const { environment, tape, event, accept } = await connected();
    const longest = tape.view<string>("sum:a", (state, { data }) => ({ value: Math.max(valueOf(state ?? { value: 0 }), valueOf(data)) }));
    const sum = tape.view("sum:a");
    for (const view of [longest, sum]) view.subscribe(() => undefined);
    await accept({ "sum:a": { value: 3 } });
    environment.link.say(event(1, 2));
    environment.link.say(event(2, 8));
    expect([longest.get(), sum.get()]).toEqual([{ value: 8 }, { value: 13 }]);
  });

  it("is unknown from an event on that its fold cannot take, rather than wrong", async () => {
    const { environment, tape, errors, event, accept } = await connected();
    const view = tape.view<string>("sum:a", (state, each) => {
      if (valueOf(each.data) === 13) throw new Error("unlucky");
      return addUp(state, each);
    });
    view.subscribe(() => undefined);
    await accept({ "sum:a": { value: 3 } });
    environment.link.say(event(1, 13));
    environment.link.say(event(2, 1));
    expect(view.get()).toBeUndefined();
    expect(errors).toEqual([new Error("unlucky")]);
  });
});
