import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Identity } from "@broadtape/protocol/identity";
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
