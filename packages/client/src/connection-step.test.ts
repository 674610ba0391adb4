import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WELCOME, tokenUntil } from "../testing/fake-environment.ts";
import { MachineRun } from "../testing/machine-run.ts";
import { INITIAL_STATUS, type Input, type Timer } from "./connection-state.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);

describe("a connection's states", () => {
  it("are connecting until everything is up to date, and live from then on", () => {
    const run = new MachineRun();
    expect(run.status).toEqual(INITIAL_STATUS);
    run.take({ type: "start" });
    expect(run.effects).toContainEqual({ do: "authorize" });
    run.take({ type: "token", token: "t" });
    expect(run.effects).toContainEqual({ do: "open", transport: "websocket", token: "t" });
    run.take({ type: "message", message: WELCOME });
    expect(run.state).toBe("connecting");
    run.take({ type: "caughtUp" });
    expect(run.status).toEqual({ state: "live", staleSince: undefined, behindMs: 0, reason: undefined });
  });

  it("are stale since the last word of the server, resuming once it is back, and live when nothing is missing", () => {
    const run = new MachineRun().live();
    const heardAt = run.now - 400;
    run.take({ type: "lost", end: { opened: true }, heardAt });
    expect(run.status).toMatchObject({ state: "stale", staleSince: heardAt });
    run.now += 5000;
    run.fail();
    expect(run.status).toMatchObject({ state: "stale", staleSince: heardAt });
    run.greet();
    expect(run.status).toMatchObject({ state: "resuming", staleSince: heardAt });
    run.take({ type: "caughtUp" });
    expect(run.status).toMatchObject({ state: "live", staleSince: undefined });
  });

  it("stay connecting through failures where nothing was ever shown", () => {
    const run = new MachineRun().fail().fail();
    expect(run.status).toEqual(INITIAL_STATUS);
  });

  it("are closed for good: nothing that comes after counts", () => {
    const run = new MachineRun().live().take({ type: "close", reason: "closed by the client" });
    expect(run.status).toEqual({ state: "closed", staleSince: run.now, behindMs: 0, reason: "closed by the client" });
    expect([...run.timers.keys(), run.isLinkOpen]).toEqual([false]);
    const { machine } = run;
    for (const type of ["start", "retry", "wake", "caughtUp", "renewal", "tokenFailed", "renewalFailed"] as const) run.take({ type });
    run.greet("t").lose();
    expect(run.machine).toBe(machine);
    expect(run.effects).toEqual([]);
  });

  it("tell how far the server says that it is behind, and change nothing when that is no news", () => {
    const run = new MachineRun().live().take({ type: "behind", behindMs: 1200 });
    expect(run.status).toMatchObject({ state: "live", behindMs: 1200 });
    const { status } = run;
    run.take({ type: "behind", behindMs: 1200 });
    expect(run.status).toBe(status);
    run.lose();
    expect(run.status).toMatchObject({ state: "stale", behindMs: 0 });
  });

  it("are those of the worker's connection where a worker holds it", () => {
    const run = new MachineRun({ transports: ["shared", "websocket"] }).live();
    expect(run.state).toBe("live");
    const upstream = { state: "stale", staleSince: 5, behindMs: 0, reason: undefined } as const;
    run.take({ type: "upstream", status: upstream });
    expect(run.status).toBe(upstream);
    run.lose();
    expect(run.status).toMatchObject({ state: "stale", staleSince: run.now });
    run.live();
    expect(run.state).toBe("live");
  });
});

describe("silence", () => {
  it("of two and a half heartbeats is a loss, measured from the last word", () => {
    const run = new MachineRun().live();
    expect(run.waits("silence")).toBe(37_500);
    const heardAt = run.now + 30_000;
    run.now += 37_500;
    run.take({ type: "silence", heardAt });
    expect([run.state, run.waits("silence")]).toEqual(["live", 30_000]);
    run.now += 30_000;
    run.take({ type: "silence", heardAt });
    expect(run.status).toMatchObject({ state: "stale", staleSince: heardAt });
    expect(run.isLinkOpen).toBe(false);
  });

  it("of a link that does not open, or of a token that does not come, is a failed attempt", () => {
    const run = new MachineRun().take({ type: "start" });
    expect(run.waits("silence")).toBe(30_000);
    run.take({ type: "silence", heardAt: 0 });
    expect([run.machine.phase, run.waits("silence")]).toEqual(["waiting", undefined]);
    run.take({ type: "retry" }, { type: "token", token: "t" });
    expect(run.waits("silence")).toBe(15_000);
    run.take({ type: "silence", heardAt: run.now });
    expect([run.machine.phase, run.isLinkOpen, run.waits("silence")]).toEqual(["waiting", false, undefined]);
  });
});

describe("whatever happens, in whatever order", () => {
  const claims = fc.constantFrom(undefined, "t", tokenUntil(1_060_000));
  const code = fc.constantFrom("AUTH_FAILED" as const, "TOKEN_EXPIRED" as const, "SHUTTING_DOWN" as const, "LIMIT_REACHED" as const);
  const input: fc.Arbitrary<Input> = fc.oneof(
    fc.record({ type: fc.constantFrom("retry", "tokenFailed", "renewal", "renewalFailed", "caughtUp", "wake") }),
    fc.record({ type: fc.constantFrom("token", "renewed"), token: claims }),
    fc.record({ type: fc.constant("silence"), heardAt: fc.integer({ min: 990_000, max: 1_000_000 }) }),
    fc.record({ type: fc.constant("message"), message: fc.constant(WELCOME) }),
    fc.record({ type: fc.constant("message"), message: fc.record({ type: fc.constant("error"), code, message: fc.constant("no") }) }),
    fc.record({ type: fc.constant("message"), message: fc.record({ type: fc.constant("closing"), code, reconnect: fc.boolean() }) }),
    fc.record({ type: fc.constant("lost"), end: fc.record({ opened: fc.boolean() }), heardAt: fc.constant(1_000_000) }),
  );
  /** What brings the connection on by itself: without one of these it would wait for ever. */
  const alarmOf = { waiting: ["retry"], authorizing: ["silence"], opening: ["silence"], greeted: ["silence"], closed: [] } as const;

  it("something is always due until it is closed, a link is open only where one is in use, and what is shown says so", () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 40, size: "max" }), fc.boolean(), (inputs, canRefresh) => {
        const run = new MachineRun({ canRefresh }).take({ type: "start" });
        for (const each of inputs) {
          run.take(each);
          // A timer that rang is over before its input is taken; these tests let none ring by themselves.
          const { phase, status } = run.machine;
          for (const timer of alarmOf[phase]) expect(run.timers.has(timer)).toBe(true);
          const mayRing: readonly Timer[] = phase === "closed" ? [] : phase === "greeted" ? ["silence", "renewal"] : alarmOf[phase];
          expect(mayRing).toEqual(expect.arrayContaining([...run.timers.keys()]));
          expect(run.isLinkOpen).toBe(phase === "opening" || phase === "greeted");
          expect(status.state === "closed").toBe(phase === "closed");
          expect(status.staleSince === undefined).toBe(status.state === "live" || status.state === "connecting");
        }
      }),
      { seed, numRuns: 1000 },
    );
  });
});
