import { describe, expect, it } from "vitest";
import { FakeEnvironment, WELCOME, idOf, settled, tokenUntil } from "../testing/fake-environment.ts";
import { Broadtape, type BroadtapeOptions } from "./broadtape.ts";

function open(options: BroadtapeOptions = {}) {
  const environment = new FakeEnvironment();
  const errors: unknown[] = [];
  const tape = new Broadtape({ url: "http://test", environment, onError: (error) => errors.push(error), ...options });
  const states: string[] = [];
  tape.status.subscribe(() => states.push(tape.status.get().state));
  return { environment, errors, tape, states };
}

describe("a connection", () => {
  it("is opened at once, answers pings, and is lost when the server falls silent", async () => {
    const { environment, tape } = open();
    await settled();
    expect(environment.link.transport).toBe("websocket");
    environment.link.welcome();
    await environment.pass(20_000);
    environment.link.say({ type: "ping", serverTime: 0, lastEventId: idOf(0) });
    expect(environment.link.said("pong")).toHaveLength(1);
    const heardAt = environment.now();
    await environment.pass(37_499);
    expect(tape.status.get().state).toBe("live");
    const [first] = environment.links;
    await environment.pass(1);
    expect(tape.status.get()).toMatchObject({ state: "stale", staleSince: heardAt });
    expect(first?.isClosed).toBe(true);
  });

  it("hears nothing more of a link that it has given up", async () => {
    const { environment, tape, states } = open();
    await settled();
    environment.link.welcome();
    const [first] = environment.links;
    await environment.pass(40_000);
    environment.link.welcome();
    states.length = 0;
    first?.request.events.onMessage(WELCOME);
    first?.request.events.onMessage({ type: "closing", code: "REPLACED", reconnect: false });
    first?.request.events.onClose({ opened: true });
    expect([states, tape.status.get().state]).toEqual([[], "live"]);
  });

  it("takes the next transport where one is missing here, and tells that it is", async () => {
    const { environment, errors } = open();
    environment.missing.add("websocket");
    await environment.pass(10_000);
    expect(environment.links.map(({ transport }) => transport)).toEqual(["sse"]);
    expect(errors).toEqual([new Error("there is no websocket"), new Error("there is no websocket")]);
  });

  it("needs no worker where there is none, and says nothing of it", async () => {
    const { environment, errors } = open({ shared: true, workerUrl: "worker.js" });
    environment.missing.add("shared");
    await environment.pass(0);
    expect(environment.links.map(({ transport }) => transport)).toEqual(["websocket"]);
    expect(errors).toEqual([]);
  });

  it("is tried at once when the network comes back", async () => {
    const { environment } = open();
    await settled();
    environment.link.welcome();
    environment.link.end();
    expect(environment.links).toHaveLength(1);
    environment.comeOnline();
    await settled();
    expect(environment.links).toHaveLength(2);
    await environment.pass(10_000);
    expect(environment.links).toHaveLength(2);
  });

  it("tells how far the server says that it is behind", async () => {
    const { environment, tape } = open();
    await settled();
    environment.link.welcome();
    environment.link.say({ type: "lagging", behindMs: 800, lane: "lossless" });
    expect(tape.status.get()).toMatchObject({ state: "live", behindMs: 800 });
    environment.link.say({ type: "caughtUp" });
    expect(tape.status.get().behindMs).toBe(0);
  });

  it("leaves nothing behind when it is closed, from within a callback too", async () => {
    const { environment, tape, states } = open({ token: () => new Promise(() => undefined) });
    await settled();
    tape.close();
    tape.close();
    expect([environment.alarms, environment.links.length, states]).toEqual([0, 0, ["closed"]]);
    const other = open();
    other.tape.status.subscribe(() => {
      other.tape.close();
    });
    // Behind the one that closes: each change is told to all before the next one.
    const seen: string[] = [];
    other.tape.status.subscribe(() => seen.push(other.tape.status.get().state));
    await settled();
    other.environment.link.welcome();
    expect([other.environment.alarms, other.environment.link.isClosed, other.states]).toEqual([0, true, ["live", "closed"]]);
    expect(seen).toEqual(["live", "closed"]);
    expect([environment.watchers, other.environment.watchers]).toEqual([0, 0]);
    other.environment.comeOnline();
    await settled();
    expect(other.environment.links).toHaveLength(1);
  });

  it("needs an address where there is no page", () => {
    expect(() => new Broadtape({ environment: new FakeEnvironment() })).toThrow(TypeError);
  });
});

describe("what is followed on a connection that is closed", () => {
  it("is told so, once, before and after", async () => {
    const { environment, tape } = open();
    const told: unknown[] = [];
    const before = tape.follow<string>("a", { onStatus: (status) => told.push(status) });
    await settled();
    environment.link.welcome();
    environment.link.say({ type: "closing", code: "REPLACED", reconnect: false });
    const after = tape.follow<string>("a", { onStatus: (status) => told.push(status) });
    const status = { topic: "a", ok: false, code: "CLOSED", message: "the connection is closed" };
    expect([await before.ready, await after.ready, told]).toEqual([status, status, [status, status]]);
    expect(tape.status.get()).toMatchObject({ state: "closed", reason: "REPLACED" });
  });
});

describe("tokens", () => {
  it("are fetched for every attempt, and a fault of that is told and tried again", async () => {
    let fetched = 0;
    const { environment, errors } = open({
      token: () => {
        fetched += 1;
        return fetched === 1 ? Promise.reject(new Error("no network")) : `token ${fetched}`;
      },
    });
    await settled();
    expect([environment.links.length, errors]).toEqual([0, [new Error("no network")]]);
    await environment.pass(1000);
    environment.link.welcome();
    environment.link.end();
    await environment.pass(10_000);
    expect(environment.links.map(({ request }) => request.token)).toEqual(["token 2", "token 3"]);
  });

  it("that do not come are asked for again", async () => {
    let fetched = 0;
    const { environment } = open({ token: () => (++fetched === 1 ? new Promise(() => undefined) : "second") });
    await environment.pass(29_999);
    expect(environment.links).toHaveLength(0);
    await environment.pass(1001);
    expect(environment.link.request.token).toBe("second");
  });

  it("are replaced on the open connection before they end, and a fault of that stops nothing", async () => {
    const begin = new FakeEnvironment().now();
    let fetched = 0;
    const later = tokenUntil(begin + 3_600_000);
    const { environment, errors, states } = open({
      token: () => {
        fetched += 1;
        if (fetched === 2) throw new Error("busy");
        return fetched === 1 ? tokenUntil(begin + 20_000) : later;
      },
    });
    await settled();
    environment.link.welcome({ serverTime: begin });
    await environment.pass(10_000);
    expect([fetched, errors]).toEqual([2, [new Error("busy")]]);
    await environment.pass(5000);
    expect(environment.link.said("reauthenticate")).toEqual([{ type: "reauthenticate", token: later }]);
    expect([environment.links.length, states]).toEqual([1, ["live"]]);
  });
});
