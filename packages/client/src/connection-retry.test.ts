/** How the state machine comes back: when, by which transport, with which token. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClosingMessage } from "@broadtape/protocol/native";
import { tokenUntil } from "../testing/fake-environment.ts";
import { MachineRun } from "../testing/machine-run.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

describe("back-off", () => {
  it("doubles from the first delay up to 30 s", () => {
    const run = new MachineRun({ reconnectionDelay: 500 });
    run.random = 1;
    const waits = Array.from({ length: 9 }, () => run.fail().waits("retry"));
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("is jittered: each wait lies between half of it and all of it, so that a crowd does not come back at once", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(3000), fc.integer({ min: 1, max: 60_000 }), chance, (failures, reconnectionDelay, random) => {
        const run = new MachineRun({ reconnectionDelay });
        run.machine = { ...run.machine, attempts: failures };
        run.random = random;
        const full = Math.min(30_000, reconnectionDelay * 2 ** failures);
        const wait = run.fail().waits("retry") ?? NaN;
        expect(wait).toBeGreaterThanOrEqual(full / 2);
        expect(wait).toBeLessThanOrEqual(full);
      }),
      { seed },
    );
  });

  it("begins anew after a connection that held, and goes on after one that did not", () => {
    const run = new MachineRun().fail().fail().live();
    run.now += 4999;
    expect(run.lose().waits("retry")).toBe(2000);
    run.live();
    run.now += 5000;
    expect(run.lose().waits("retry")).toBe(500);
  });

  it("is as the server asks where it asks", () => {
    const asked = { type: "error", code: "SHUTTING_DOWN", message: "", reconnectAfterMs: 7000 } as const;
    const run = new MachineRun().live().take({ type: "message", message: asked }).lose();
    expect(run.waits("retry")).toBe(7000);
    run.take({ type: "retry" }, { type: "token", token: undefined }).lose({ opened: false, retryAfterMs: 9000 });
    expect(run.waits("retry")).toBe(9000);
    expect(run.fail().waits("retry")).toBe(2000);
  });

  it("is cut short when the network comes back, and only then", () => {
    const run = new MachineRun().fail().take({ type: "wake" });
    expect([run.machine.phase, run.waits("retry")]).toEqual(["authorizing", undefined]);
    const { machine } = run.live();
    expect(run.take({ type: "wake" }).machine).toBe(machine);
  });

  it("ends where an end was asked for", () => {
    const run = new MachineRun({ reconnectionAttempts: 2 }).fail().fail();
    expect(run.state).toBe("connecting");
    expect(run.fail().status).toMatchObject({ state: "closed", reason: "connection lost" });
    expect(new MachineRun({ reconnection: false }).live().lose().state).toBe("closed");
  });
});

describe("the transport", () => {
  const transportsOf = (run: MachineRun, attempts: number) =>
    Array.from({ length: attempts }, () => {
      const { transport } = run.machine;
      run.fail();
      return transport;
    });

  it("is event streams after two WebSockets that did not open, and WebSocket again after those", () => {
    expect(transportsOf(new MachineRun(), 6)).toEqual(["websocket", "websocket", "sse", "websocket", "websocket", "sse"]);
  });

  it("is given up only for failures in a row", () => {
    expect(new MachineRun().fail().live().lose().fail().machine.transport).toBe("websocket");
  });

  it("stays event streams where they open and WebSocket never did", () => {
    const run = new MachineRun().fail().fail().live().lose();
    expect(run.machine.transport).toBe("sse");
  });

  it("is WebSocket again after event streams where it has once been greeted", () => {
    const run = new MachineRun().live().lose().fail().fail();
    expect(run.machine.transport).toBe("sse");
    expect(run.live().lose().machine.transport).toBe("websocket");
  });

  it("is one's own at once where there is no worker, and for good", () => {
    const run = new MachineRun({ transports: ["shared", "websocket", "sse"] }).fail();
    expect([run.machine.transport, run.waits("retry")]).toEqual(["websocket", 0]);
    expect(transportsOf(run, 4)).toEqual(["websocket", "websocket", "sse", "websocket"]);
  });

  it("is one's own where the worker takes no more tabs", () => {
    const run = new MachineRun({ transports: ["shared", "websocket"] }).take({ type: "start" }, { type: "token", token: undefined });
    run.take({ type: "message", message: { type: "closing", code: "LIMIT_REACHED", reconnect: true } });
    expect([run.machine.transport, run.waits("retry")]).toEqual(["websocket", 0]);
  });

  it("stays the worker after one that had greeted", () => {
    const run = new MachineRun({ transports: ["shared", "websocket"] }).live().lose();
    expect(run.machine.transport).toBe("shared");
  });
});

describe("closing", () => {
  const closing = (message: Omit<ClosingMessage, "type">) => ({ type: "message", message: { type: "closing", ...message } }) as const;

  it("with leave to come back is a loss, after the time that the server names", () => {
    const run = new MachineRun().live().take(closing({ code: "SHUTTING_DOWN", reconnect: true, reconnectAfterMs: 3000 }));
    expect([run.state, run.waits("retry"), run.isLinkOpen]).toEqual(["stale", 3000, false]);
  });

  it.each(["REPLACED", "LIMIT_REACHED", "FORBIDDEN", "SLOW_CONSUMER"] as const)("without it is the end: %s", (code) => {
    const run = new MachineRun({ canRefresh: true }).live().take(closing({ code, reconnect: false }));
    expect(run.status).toMatchObject({ state: "closed", reason: code });
  });
});

describe("a refused token", () => {
  const refusals = ["AUTH_FAILED", "TOKEN_EXPIRED", "UNAUTHORIZED"] as const;

  it.each(refusals)("that is all there is ends the connection: %s", (code) => {
    const error = { type: "message", message: { type: "error", code, message: "" } } as const;
    expect(new MachineRun().live("t").take(error).status).toMatchObject({ state: "closed", reason: code });
    const ofSse = new MachineRun().take({ type: "start" }, { type: "token", token: "t" }).lose({ opened: false, code });
    expect(ofSse.status).toMatchObject({ state: "closed", reason: code });
  });

  it.each(refusals)("is replaced by a fresh one at once, and then no faster than the back-off: %s", (code) => {
    const closing = { type: "message", message: { type: "closing", code, reconnect: false } } as const;
    const run = new MachineRun({ canRefresh: true }).live("t").take(closing);
    expect([run.state, run.waits("retry")]).toEqual(["stale", 0]);
    const waits = Array.from({ length: 3 }, () => run.take({ type: "retry" }, { type: "token", token: "t" }, closing).waits("retry"));
    expect(waits).toEqual([1000, 2000, 4000]);
  });

  it("of one command is that command's", () => {
    const error = { type: "message", message: { type: "error", id: 1, code: "UNAUTHORIZED", message: "" } } as const;
    expect(new MachineRun().live("t").take(error).state).toBe("live");
  });

  it("that cannot be fetched is tried for again", () => {
    const run = new MachineRun({ canRefresh: true }).take({ type: "start" }, { type: "tokenFailed" });
    expect([run.state, run.waits("retry")]).toEqual(["connecting", 500]);
  });
});

describe("a fresh token", () => {
  it("is brought before the old one ends, by the server's clock", () => {
    const run = new MachineRun({ canRefresh: true });
    const token = tokenUntil(run.now + 600_000);
    run.live(token);
    expect(run.waits("renewal")).toBe(480_000);
    const fresh = tokenUntil(run.now + 20_000);
    expect(run.take({ type: "renewal" }).effects).toEqual([{ do: "renew" }]);
    expect(run.take({ type: "renewed", token: fresh }).effects[0]).toEqual({ do: "reauthenticate", token: fresh });
    expect(run.waits("renewal")).toBe(10_000);
    expect(run.take({ type: "renewalFailed" }).waits("renewal")).toBe(5000);
    expect(run.lose().waits("renewal")).toBeUndefined();
  });

  it("comes before the end for every lifetime that leaves time, and never in a spin", () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 10 ** 12 }), fc.integer({ min: -(10 ** 7), max: 10 ** 7 }), (lifetimeMs, skewMs) => {
        const run = new MachineRun({ canRefresh: true });
        const token = tokenUntil(run.now + skewMs + lifetimeMs);
        run.take({ type: "retry" }, { type: "token", token });
        const welcome = { type: "welcome", connectionId: "", epoch: "", head: "", heartbeatMs: 15_000 } as const;
        const limits = { topics: 1, commandsBurst: 1, commandsPerSecond: 1 };
        run.take({ type: "message", message: { ...welcome, limits, serverTime: run.now + skewMs } });
        const wait = run.waits("renewal") ?? NaN;
        expect(wait).toBeGreaterThanOrEqual(1000);
        expect(wait).toBeLessThan(2 ** 31);
        if (lifetimeMs > 1500) expect(wait).toBeLessThan(lifetimeMs);
      }),
      { seed },
    );
  });

  it("is nobody's business where the token is fixed, does not end, or the worker asks for it", () => {
    const token = tokenUntil(2_000_000);
    expect(new MachineRun().live(token).waits("renewal")).toBeUndefined();
    expect(new MachineRun({ canRefresh: true }).live("opaque").waits("renewal")).toBeUndefined();
    expect(new MachineRun({ canRefresh: true, transports: ["shared", "sse"] }).live(token).waits("renewal")).toBeUndefined();
  });
});
