import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeEnvironment, idOf, settled } from "../testing/fake-environment.ts";
import { Broadtape } from "./broadtape.ts";
import { CursorKeeper } from "./persist.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

class FakeStorage {
  readonly items = new Map<string, string>();
  writes = 0;

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.writes += 1;
    this.items.set(key, value);
  }
}

/** A page that follows one topic and remembers what it was told. */
async function openPage(storage: FakeStorage) {
  const environment = new FakeEnvironment();
  const tape = new Broadtape({ url: "http://test", environment, persist: { key: "k", storage } });
  const told: unknown[] = [];
  const following = tape.follow<string>("feed:a", {
    onSnapshot: (state) => told.push(state),
    onEvent: ({ eventId }) => told.push(eventId),
    onResync: (reason) => told.push(reason),
  });
  await settled();
  environment.link.welcome();
  await settled();
  const event = (offset: number) =>
    environment.link.say({ type: "event", topic: "feed:a", event: "test", eventId: idOf(offset), time: "", data: {} });
  return { environment, tape, told, following, event };
}

describe("cursors over a reload of the page", () => {
  it("bring what came meanwhile first, and then the state", async () => {
    const storage = new FakeStorage();
    const before = await openPage(storage);
    before.environment.link.accept({ "feed:a": { value: 1 } }, idOf(1));
    before.event(2);
    before.environment.hide();
    const page = await openPage(storage);
    expect(page.environment.link.said("subscribe")).toEqual([{ type: "subscribe", id: 1, topics: ["feed:a"], after: idOf(2) }]);
    page.event(3);
    page.environment.link.accept({ "feed:a": { value: 3 } }, idOf(3));
    page.event(4);
    expect(page.told).toEqual([idOf(3), { value: 3 }, idOf(4)]);
  });

  it("that are too old are told, and the state begins anew", async () => {
    const storage = new FakeStorage();
    const before = await openPage(storage);
    before.environment.link.accept({ "feed:a": null }, idOf(1));
    before.tape.close();
    const page = await openPage(storage);
    page.environment.link.say({ type: "resync", topics: ["feed:a"], reason: "expired", from: idOf(1), head: idOf(9) });
    page.environment.link.accept({ "feed:a": { value: 9 } }, idOf(9));
    expect(page.told).toEqual(["expired", { value: 9 }]);
  });

  it("are written a few times a second at most, once more when the page goes, and not after the end", async () => {
    const storage = new FakeStorage();
    const { environment, tape, event } = await openPage(storage);
    environment.link.accept({ "feed:a": null }, idOf(1));
    for (let offset = 2; offset <= 50; offset++) event(offset);
    expect(storage.writes).toBe(0);
    await environment.pass(250);
    expect(storage.writes).toBe(1);
    event(51);
    environment.hide();
    expect(storage.writes).toBe(2);
    expect(storage.items.get("k")).toBe(JSON.stringify([["feed:a", idOf(51)]]));
    tape.close();
    environment.hide();
    await environment.pass(10_000);
    expect([storage.writes, environment.alarms]).toEqual([3, 0]);
  });

  it("of topics that nobody follows any more are forgotten", async () => {
    const storage = new FakeStorage();
    const { environment, following } = await openPage(storage);
    environment.link.accept({ "feed:a": null }, idOf(1));
    await environment.pass(250);
    following.unfollow();
    await environment.pass(250);
    expect(storage.items.get("k")).toBe("[]");
  });

  it("are as many as a connection follows topics, the newest", () => {
    const storage = new FakeStorage();
    const cursors = Array.from({ length: 1500 }, (_, index): [string, string] => [`t${index}`, idOf(index)]);
    const keeper = new CursorKeeper(
      { key: "k", storage },
      new FakeEnvironment(),
      () => undefined,
      () => cursors,
    );
    keeper.close();
    expect(JSON.parse(storage.items.get("k") ?? "")).toEqual(cursors.slice(500));
  });
});

describe("a storage", () => {
  it.each(["no JSON", "null", "7", '{"feed:a":"x"}', '[["feed:a"],["feed:a",7],7,null]'])(
    "that holds something else is begun anew: %s",
    async (text) => {
      const storage = new FakeStorage();
      storage.items.set("k", text);
      const { environment } = await openPage(storage);
      expect(environment.link.said("subscribe")[0]?.after).toBeUndefined();
    },
  );

  it("that is full is told of and stops nothing", async () => {
    const errors: unknown[] = [];
    const storage = {
      getItem: () => null,
      setItem() {
        throw new Error("full");
      },
    };
    const environment = new FakeEnvironment();
    const keeper = new CursorKeeper(
      { key: "k", storage },
      environment,
      (error) => errors.push(error),
      () => [],
    );
    keeper.moved();
    await environment.pass(250);
    expect(errors).toEqual([new Error("full")]);
  });

  it("that the page may not touch is told of and stops nothing", async () => {
    vi.stubGlobal("sessionStorage", undefined);
    Object.defineProperty(globalThis, "sessionStorage", {
      configurable: true,
      get() {
        throw new Error("denied");
      },
    });
    const errors: unknown[] = [];
    const environment = new FakeEnvironment();
    const tape = new Broadtape({ url: "http://test", environment, persist: { key: "k" }, onError: (error) => errors.push(error) });
    await settled();
    environment.link.welcome();
    expect(tape.status.get().state).toBe("live");
    tape.close();
    expect(errors).toEqual([new Error("denied")]);
  });
});
