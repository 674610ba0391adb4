import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Identity } from "@broadtape/protocol/identity";
import { FakeClock } from "../../testing/fake-clock.ts";
import { MemoryHub } from "../cluster/memory/memory-cluster.ts";
import { createMemoryRegistry } from "../registry/memory.ts";
import { CookieSessions } from "./sessions.ts";

const ann: Identity = {
  userId: "ann",
  tenant: "acme",
  permissions: new Set(["rfq:read:team"]),
  team: new Set(["bob"]),
  name: undefined,
  expiresAt: 100_000,
  sessionId: undefined,
};

function setUp(options: { cached?: number } = {}) {
  const clock = { now: 1000 };
  const registry = createMemoryRegistry();
  const sessions = new CookieSessions(registry, { now: () => clock.now, ttlMs: 50_000, ...options });
  return { clock, registry, sessions };
}

describe("CookieSessions", () => {
  it("gives back who opened the session, and keeps its id to itself", async () => {
    const { registry, sessions } = setUp();
    const save = vi.spyOn(registry, "saveSession");
    const { id } = await sessions.open(ann);
    const found = await sessions.find(id);
    expect(found).toEqual({ ...ann, expiresAt: 51_000, sessionId: save.mock.calls[0]?.[0].idHash });
    expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(save.mock.calls)).not.toContain(id);
  });

  it("ends with the token that opened it, or after its longest life", async () => {
    const { clock, sessions } = setUp();
    expect((await sessions.open(ann)).expiresAt).toBe(51_000);
    const { id, expiresAt } = await sessions.open({ ...ann, expiresAt: 3000 });
    expect(expiresAt).toBe(3000);
    clock.now = 2999;
    expect(await sessions.find(id)).toBeDefined();
    clock.now = 3000;
    expect(await sessions.find(id)).toBeUndefined();
  });

  it("is not opened by a session", async () => {
    const { sessions } = setUp();
    await expect(sessions.open({ ...ann, sessionId: "x" })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  it("survives a restart", async () => {
    const { clock, registry, sessions } = setUp();
    const { id } = await sessions.open(ann);
    const again = new CookieSessions(registry, { now: () => clock.now, ttlMs: 1 });
    expect((await again.find(id))?.userId).toBe("ann");
  });

  it("tells once that a session ended, and finds it no more", async () => {
    const { sessions } = setUp();
    const heard: string[] = [];
    const off = sessions.onEnd((sessionId) => heard.push(sessionId));
    const { id } = await sessions.open(ann);
    const sessionId = (await sessions.find(id))?.sessionId ?? "";
    expect(await sessions.end(id)).toBe(true);
    expect(await sessions.end(id)).toBe(false);
    expect(await sessions.find(id)).toBeUndefined();
    expect(heard).toEqual([sessionId]);
    off();
    await sessions.end((await sessions.open(ann)).id);
    expect(heard).toHaveLength(1);
  });

  it("does not let in who asked while the session ended", async () => {
    const { registry, sessions } = setUp({ cached: 0 });
    const { id } = await sessions.open(ann);
    const stale = registry.findSession.bind(registry);
    vi.spyOn(registry, "findSession").mockImplementationOnce(async (idHash) => {
      const session = await stale(idHash);
      await sessions.end(id);
      return session;
    });
    expect(await sessions.find(id)).toBeUndefined();
  });

  it("asks the registry once for a session in use, and again for one that was crowded out", async () => {
    const { registry, sessions } = setUp({ cached: 1 });
    const find = vi.spyOn(registry, "findSession");
    const [first, second] = [await sessions.open(ann), await sessions.open(ann)];
    await sessions.find(first.id);
    await sessions.find(first.id);
    expect(find).toHaveBeenCalledTimes(1);
    await sessions.find(second.id);
    await sessions.find(first.id);
    expect(find).toHaveBeenCalledTimes(3);
  });

  it("sweeps what expired when one is opened an hour later", async () => {
    const { clock, registry, sessions } = setUp();
    await sessions.open(ann);
    clock.now += 3_600_000;
    await sessions.open({ ...ann, expiresAt: Infinity });
    expect(await registry.sweepSessions(clock.now)).toBe(0);
  });

  it("knows no session by any other text", async () => {
    const { sessions } = setUp();
    await sessions.open(ann);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (id) => {
        expect(await sessions.find(id)).toBeUndefined();
        expect(await sessions.end(id)).toBe(false);
      }),
    );
  });
});

describe("CookieSessions on several nodes", () => {
  function setUpNodes() {
    const clock = new FakeClock();
    const registry = createMemoryRegistry();
    const hub = new MemoryHub({ monotonic: () => clock.monotonic(), after: (ms, run) => clock.after(ms, run) });
    const clusters = ["a", "b"].map((id) => hub.join({ id, name: id }));
    const [here, there] = clusters.map((cluster) => new CookieSessions(registry, { now: () => 1000, ttlMs: 50_000, cluster }));
    if (here === undefined || there === undefined) throw new Error("there are two");
    const heard: string[] = [];
    there.onEnd((sessionId) => heard.push(sessionId));
    const settle = async () => {
      for (let step = 0; step < 5; step++) {
        clock.advance(1);
        await new Promise(setImmediate);
      }
    };
    const end = async (node: CookieSessions, id: string) => {
      const ending = node.end(id);
      await settle();
      return ending;
    };
    return { registry, clusters, here, there, heard, settle, end };
  }

  it("end everywhere, whoever remembers them", async () => {
    const { here, there, heard, end } = setUpNodes();
    const { id } = await here.open(ann);
    const { sessionId } = (await there.find(id)) ?? {};
    expect(await end(here, id)).toBe(true);
    expect([await there.find(id), await here.find(id)]).toEqual([undefined, undefined]);
    expect(heard).toEqual([sessionId]);
    expect(await there.end(id)).toBe(false);
  });

  it("are not said to have ended where that cannot be told to all, and go on everywhere", async () => {
    const { clusters, here, there, heard, settle, end } = setUpNodes();
    const { id } = await here.open(ann);
    clusters[0]?.setConnected(false);
    await expect(here.end(id)).rejects.toMatchObject({ name: "RegistryUnavailable" });
    clusters[0]?.setConnected(true);
    await settle();
    expect([(await here.find(id))?.userId, (await there.find(id))?.userId, heard]).toEqual(["ann", "ann", []]);
    expect(await end(here, id)).toBe(true);
    expect(await there.find(id)).toBeUndefined();
  });

  it("have ended for who heard so, though the registry did not take it", async () => {
    const { registry, here, there, settle, end } = setUpNodes();
    const { id } = await here.open(ann);
    vi.spyOn(registry, "endSession").mockRejectedValueOnce(new Error("away"));
    await expect(here.end(id)).rejects.toThrow("away");
    await settle();
    expect(await there.find(id)).toBeUndefined();
    expect(await end(here, id)).toBe(true);
  });

  it("have ended at every node that answers when it is answered that they have", async () => {
    const { here, there, heard, settle } = setUpNodes();
    const { id } = await here.open(ann);
    const { sessionId } = (await there.find(id)) ?? {};
    const heardThen = here.end(id).then(() => [...heard]);
    await settle();
    expect(await heardThen).toEqual([sessionId]);
  });
});
