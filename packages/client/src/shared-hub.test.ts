import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeEnvironment, idOf, settled, tokenUntil } from "../testing/fake-environment.ts";
import { fakeSharedWorker } from "../testing/fake-shared-worker.ts";
import { ModelServer, ModelSession } from "../testing/model-server.ts";
import { Broadtape } from "./broadtape.ts";
import type { TokenSource } from "./connection-options.ts";
import type { Environment } from "./environment.ts";
import { SharedHub } from "./shared-hub.ts";
import { openSharedLink } from "./shared-link.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A browser with a worker: `inside` is the network, of the worker and of tabs that have connections of their own. */
function setUp() {
  const inside = new FakeEnvironment();
  const hub = new SharedHub({ environment: inside });
  const FakeSharedWorker = fakeSharedWorker(hub);
  vi.stubGlobal("SharedWorker", FakeSharedWorker);
  const openTab = (token?: TokenSource) => {
    const { now, after, random, onOnline, onHide } = inside;
    const openLink: Environment["openLink"] = (transport, request) =>
      transport === "shared" ? openSharedLink(request) : inside.openLink(transport, request);
    const environment: Environment = { now, after, random, onOnline, onHide, openLink };
    return new Broadtape({ url: "http://test", token, shared: true, workerUrl: "worker.js", environment });
  };
  /** A tab that says who it is, and nothing ever after. */
  const openSilently = () => {
    const { port } = new FakeSharedWorker();
    port.postMessage({ type: "open", url: "http://test", token: undefined, isRenewable: false, clientId: undefined });
    return port;
  };
  /** Time passes, and the server shows signs of life. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 10_000) {
      inside.link.say({ type: "ping", serverTime: inside.now(), lastEventId: idOf(0) });
      await inside.pass(Math.min(left, 10_000));
    }
  };
  return { inside, hub, openTab, openSilently, pass };
}

const open = (inside: FakeEnvironment) => inside.links.filter(({ isClosed }) => !isClosed);

describe("tabs of one user", () => {
  it("share one connection, each with states and events of its own", async () => {
    const { inside, openTab } = setUp();
    const told: string[] = [];
    const tabs = ["first", "second"].map((name) => {
      const tape = openTab();
      tape.follow("feed:a", {
        onSnapshot: (state) => told.push(`${name} ${JSON.stringify(state)}`),
        onEvent: ({ eventId }) => told.push(`${name} ${eventId ?? ""}`),
      });
      return tape;
    });
    await settled();
    expect(open(inside)).toHaveLength(1);
    inside.link.welcome();
    await settled();
    inside.link.accept({ "feed:a": { value: 1, eventId: idOf(1) } }, idOf(1));
    await settled();
    inside.link.say({ type: "event", topic: "feed:a", event: "test", eventId: idOf(2), time: "", data: { value: 2 } });
    await settled();
    for (const name of ["first", "second"]) {
      expect(told.filter((line) => line.startsWith(name))).toEqual([`${name} {"value":1,"eventId":"${idOf(1)}"}`, `${name} ${idOf(2)}`]);
    }
    expect(tabs.map(({ status }) => status.get().state)).toEqual(["live", "live"]);
  });

  it("keep it until the last of them has gone", async () => {
    const { inside, hub, openTab } = setUp();
    const [first, second] = [openTab(), openTab()];
    await settled();
    first.close();
    await settled();
    expect([hub.size, open(inside).length]).toEqual([1, 1]);
    second.close();
    await settled();
    expect([hub.size, open(inside).length, inside.alarms]).toEqual([0, 0, 0]);
  });

  it("are forgotten when they give no sign of life", async () => {
    const { inside, hub, openTab, openSilently, pass } = setUp();
    openSilently();
    const awake = openTab();
    await settled();
    expect(hub.size).toBe(2);
    inside.link.welcome();
    await settled();
    const states: string[] = [];
    awake.status.subscribe(() => states.push(awake.status.get().state));
    await pass(5 * 60_000);
    expect(states).toEqual([]);
    expect([hub.size, open(inside).length]).toEqual([1, 1]);
    awake.close();
    await settled();
    expect(hub.size).toBe(0);
  });

  it("hear each event once, however often they ask for a topic", async () => {
    const { inside, openSilently } = setUp();
    const port = openSilently();
    const told: unknown[] = [];
    port.onmessage = ({ data }) => data.type === "event" && told.push(data.eventId);
    for (const id of [1, 2]) port.postMessage({ type: "subscribe", id, topics: ["feed:a"] });
    await settled();
    inside.link.welcome();
    await settled();
    inside.link.accept({ "feed:a": null }, idOf(0));
    inside.link.say({ type: "event", topic: "feed:a", event: "test", eventId: idOf(1), time: "", data: {} });
    await settled();
    expect(told).toEqual([idOf(1)]);
  });

  it("are asked for a fresh token, and the first that has one brings it", async () => {
    const { inside, openTab, pass } = setUp();
    const soon = tokenUntil(inside.now() + 60_000);
    const later = tokenUntil(inside.now() + 3_600_000);
    let fetched = 0;
    openTab(() => (fetched++ === 0 ? soon : later));
    await settled();
    expect(inside.link.request.token).toBe(soon);
    inside.link.welcome({ serverTime: inside.now() });
    await pass(59_000);
    expect(inside.link.said("reauthenticate")).toEqual([{ type: "reauthenticate", token: later }]);
  });
});

describe("tabs of several users", () => {
  it("share nothing", async () => {
    const { inside, openTab } = setUp();
    openTab(tokenUntil(9e12, { sub: "ann", tenantId: "t" }));
    openTab(tokenUntil(9e12, { sub: "bob", tenantId: "t" }));
    openTab(tokenUntil(8e12, { sub: "ann", tenantId: "t" }));
    openTab(tokenUntil(9e12, { sub: "ann", tenantId: "t", permissions: ["stream:admin"] }));
    await settled();
    expect(open(inside)).toHaveLength(3);
  });

  it("are as many as the worker takes; the others have connections of their own", async () => {
    const { inside, hub, openTab } = setUp();
    for (let tab = 0; tab < 205; tab++) openTab();
    await inside.pass(0);
    expect([hub.size, open(inside).length]).toEqual([200, 6]);
  });

  it("part when somebody else signs in, and the tab stays with the one who did", async () => {
    const { inside, hub, openTab, pass } = setUp();
    const ann = tokenUntil(inside.now() + 60_000, { sub: "ann", tenantId: "t" });
    const annLater = tokenUntil(inside.now() + 3_600_000, { sub: "ann", tenantId: "t" });
    const bob = tokenUntil(inside.now() + 3_600_000, { sub: "bob", tenantId: "t" });
    let isBob = false;
    const tokenOfAnn = () => (isBob ? annLater : ann);
    openTab(tokenOfAnn);
    const turning = openTab(() => (isBob ? bob : tokenOfAnn()));
    await settled();
    inside.link.welcome({ serverTime: inside.now() });
    expect(open(inside)).toHaveLength(1);
    const [shared] = inside.links;
    isBob = true;
    await pass(40_000);
    expect(shared?.said("reauthenticate").map(({ token }) => token)).toEqual([annLater]);
    expect(open(inside).map(({ request }) => request.token)).toEqual([ann, bob]);
    expect(hub.size).toBe(2);
    inside.link.welcome({ serverTime: inside.now() });
    await settled();
    expect(turning.status.get().state).toBe("live");
  });

  it("have one connection for each set of filters, as long as it is of use", async () => {
    const { inside, openTab } = setUp();
    const tape = openTab();
    tape.follow("feed:a", {});
    await settled();
    inside.link.welcome();
    await settled();
    const { unfollow } = openTab().follow("feed:a", {}, { filters: { side: "buy" } });
    await settled();
    expect(open(inside)).toHaveLength(2);
    inside.link.welcome();
    await settled();
    expect(inside.link.said("subscribe")).toMatchObject([{ topics: ["feed:a"], filters: { side: "buy" } }]);
    unfollow();
    await settled();
    expect(open(inside)).toHaveLength(1);
  });
});

describe("recovery over the worker", () => {
  const action = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("publish" as const), topic: fc.constantFrom("feed:a", "sum:a", "symbol:a") }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("deliver" as const), count: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(4000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "lag" as const, "catchUp" as const, "open" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("wipe" as const, "expire" as const) }) },
  );

  it("every tab has every event once, and the server's state at the end, wherever the connection is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40, size: "max" }), async (actions) => {
        const { inside, openTab } = setUp();
        const server = new ModelServer();
        let session: ModelSession | undefined;
        inside.onOpen = (link) => (session = new ModelSession(server, link));
        const counts: { count: number; tape: Broadtape }[] = [];
        const openOne = () => {
          const tape = openTab();
          const own = { count: 0, tape };
          tape.follow("feed:a", {
            onSnapshot: (state) => (own.count = (state as { value: number } | null)?.value ?? 0),
            onEvent: () => (own.count += 1),
          });
          tape.follow("symbol:a", {});
          counts.push(own);
        };
        openOne();
        let value = 0;
        for (const step of actions) {
          if (step.do === "publish") server.publish([{ topic: step.topic, value: ++value }]);
          else if (step.do === "deliver") session?.deliver(step.count);
          else if (step.do === "pass") await inside.pass(step.ms);
          else if (step.do === "open" && counts.length < 4) openOne();
          else if (step.do === "wipe" || step.do === "expire") server[step.do]();
          else if (step.do !== "open") session?.[step.do]();
          await settled();
        }
        for (let turn = 0; turn < 60; turn++) {
          session?.catchUp();
          session?.ping();
          session?.deliver(1000);
          await inside.pass(1000);
        }
        const state = server.state("feed:a") as { value: number } | null;
        expect(counts.map(({ count }) => count)).toEqual(counts.map(() => state?.value ?? 0));
        expect(counts.map(({ tape }) => tape.status.get().state)).toEqual(counts.map(() => "live"));
        for (const { tape } of counts) tape.close();
        await settled();
        expect(inside.alarms).toBe(0);
      }),
      { numRuns: 300, seed },
    );
  });
});
