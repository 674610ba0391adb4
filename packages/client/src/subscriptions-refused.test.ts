import { describe, expect, it } from "vitest";
import { connected } from "../testing/connected.ts";
import { idOf, settled } from "../testing/fake-environment.ts";

describe("a refused command", () => {
  it("is said again after the time that the server names, where it was one too many", async () => {
    const { environment, follow } = await connected();
    follow("a");
    await settled();
    environment.link.say({ type: "error", id: 1, code: "RATE_LIMITED", message: "", retryAfterMs: 3000 });
    await environment.pass(2999);
    expect(environment.link.said("subscribe")).toHaveLength(1);
    await environment.pass(1);
    expect(environment.link.said("subscribe")).toMatchObject([{ topics: ["a"] }, { topics: ["a"] }]);
  });

  it("does not hold up the next connection", async () => {
    const { environment, follow, welcome } = await connected();
    follow("a");
    await settled();
    environment.link.say({ type: "error", id: 1, code: "RATE_LIMITED", message: "", retryAfterMs: 60_000 });
    await settled();
    environment.link.end();
    await environment.pass(1000);
    await welcome();
    expect(environment.link.said("subscribe")).toHaveLength(1);
  });

  it("is said anew topic by topic, so that one bad name silences no other", async () => {
    const { environment, follow } = await connected();
    const [good, bad] = [follow("good"), follow("bad")];
    await settled();
    environment.link.say({ type: "error", id: 1, code: "BAD_REQUEST", message: "" });
    await settled();
    const [, ofGood, ofBad] = environment.link.said("subscribe");
    expect([ofGood?.topics, ofBad?.topics]).toEqual([["good"], ["bad"]]);
    environment.link.say({ type: "error", id: ofBad?.id ?? 0, code: "BAD_REQUEST", message: "no such topic" });
    const results = [{ topic: "good", ok: true as const }];
    environment.link.say({ type: "subscribed", id: ofGood?.id ?? 0, results, cut: idOf(0), snapshots: [] });
    expect(await bad.ready).toEqual({ topic: "bad", ok: false, code: "BAD_REQUEST", message: "no such topic" });
    expect(await good.ready).toEqual({ topic: "good", ok: true });
  });

  it("is not repeated on this connection unless somebody new asks, and is on the next", async () => {
    const { environment, follow, welcome, tape } = await connected();
    const refuse = () => {
      const id = environment.link.said("subscribe").at(-1)?.id ?? 0;
      const results = [{ topic: "a", ok: false as const, code: "FORBIDDEN" as const }];
      environment.link.say({ type: "subscribed", id, results, cut: idOf(0), snapshots: [] });
    };
    const { ready, update } = follow("a");
    await settled();
    refuse();
    expect(await ready).toMatchObject({ code: "FORBIDDEN" });
    update({ maxUpdatesPerSecond: 3 });
    expect(tape.status.get().state).toBe("live");
    await environment.pass(10_000);
    expect(environment.link.sent.filter(({ type }) => type !== "pong")).toHaveLength(1);
    follow("a");
    await settled();
    expect(environment.link.said("subscribe")).toHaveLength(2);
    refuse();
    environment.link.end();
    await environment.pass(1000);
    await welcome();
    expect(environment.link.said("subscribe")).toMatchObject([{ topics: ["a"] }]);
  });
});
