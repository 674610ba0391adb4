import { describe, expect, it } from "vitest";
import { parseEventId } from "@broadtape/protocol/event-id";
import { Rig, identityOf } from "../../testing/rig.ts";
import { testSurface } from "../../testing/connection.ts";

const limited = expect.objectContaining({ code: "LIMIT_REACHED" });

describe("open sessions", () => {
  it("are limited by server and by user, a user being one of a tenant; who goes makes room", async () => {
    const rig = await Rig.start({ limits: { connections: 3, connectionsPerUser: 2 } });
    const { session } = rig.open(identityOf("ann"));
    rig.open(identityOf("ann"));
    expect(() => rig.open(identityOf("ann"))).toThrow(limited);
    rig.open(identityOf("ann", [], "other"));
    expect(() => rig.open(identityOf("bob"))).toThrow(limited);
    session.lost();
    rig.open(identityOf("bob"));
    expect([rig.engine.sessions.size, rig.engine.sessions.users]).toEqual([3, 3]);
  });

  it("end when their token does, whatever is still owed, and nothing is told after", async () => {
    const rig = await Rig.start();
    const expiresAt = rig.clock.now() + 10_000;
    const { session, client } = rig.open({ ...identityOf("ann", ["feed:a"]), expiresAt });
    await rig.follow(session, { topics: ["feed:a"] });
    rig.clock.advance(9990);
    await rig.publish([["feed", "a", 1]]);
    rig.clock.advance(20);
    await rig.publish([["feed", "a", 2]]);
    expect(client.bodies("event")).toHaveLength(1);
    expect(client.heard.at(-1)).toEqual(["error", { code: "TOKEN_EXPIRED" }]);
    expect([client.closedWith, rig.engine.topics.size]).toEqual(["TOKEN_EXPIRED", 0]);
  });

  it("go on without a gap under a fresh token", async () => {
    const rig = await Rig.start();
    const { session, client } = rig.open({ ...identityOf("ann", ["feed:a"]), expiresAt: rig.clock.now() + 10_000 });
    await rig.follow(session, { topics: ["feed:a"] });
    rig.engine.reauthenticate(session, { ...identityOf("ann", ["feed:a"]), expiresAt: rig.clock.now() + 20_000 });
    rig.clock.advance(15_000);
    await rig.publish([["feed", "a", 1]]);
    expect(client.bodies("event")).toHaveLength(1);
    rig.clock.advance(6000);
    expect(client.closedWith).toBe("TOKEN_EXPIRED");
  });

  it("end with the cookie session that they hang on, and no others", async () => {
    const rig = await Rig.start();
    const { client } = rig.open({ ...identityOf("ann"), sessionId: "s1" });
    const { client: other } = rig.open({ ...identityOf("ann"), sessionId: "s2" });
    rig.engine.sessions.endCookie("s1");
    rig.engine.sessions.endCookie("unknown");
    expect([client.closedWith, other.closedWith]).toEqual(["TOKEN_EXPIRED", undefined]);
  });

  it("hear a heartbeat with the newest event that they have passed, so that silence can be told from loss", async () => {
    const rig = await Rig.start();
    const { client } = rig.open(identityOf("ann"), testSurface({ heartbeatMs: 30_000 }));
    rig.clock.advance(30_010);
    await rig.publish([["feed", "a", 1]]);
    rig.clock.advance(30_010);
    const ids = client.bodies("heartbeat").map((body) => (body as { lastEventId: string }).lastEventId);
    expect(ids.map((id) => parseEventId(id)?.offset)).toEqual([0, 1]);
  });

  it("hear the heartbeat a moment later where something is on its way when it is due", async () => {
    const rig = await Rig.start();
    const { client } = rig.open(identityOf("ann"), testSurface({ heartbeatMs: 30_000 }));
    client.ready = false;
    rig.clock.advance(30_010);
    expect(client.bodies("heartbeat")).toEqual([]);
    client.ready = true;
    rig.clock.advance(1010);
    expect(client.bodies("heartbeat").length).toBe(1);
  });

  it("hear no heartbeat while there is traffic, where the surface wants it so", async () => {
    const rig = await Rig.start();
    const { session, client } = rig.open(identityOf("ann", ["feed:a"]), testSurface({ heartbeatMs: 30_000, beatsWhenBusy: false }));
    await rig.follow(session, { topics: ["feed:a"] });
    for (let count = 0; count < 10; count++) {
      rig.clock.advance(10_000);
      await rig.publish([["feed", "a", count]]);
    }
    // The beat that was not needed came half a minute after the last one; the next is half a minute after what was sent.
    rig.clock.advance(15_000);
    await rig.publish([["feed", "a", 11]]);
    rig.clock.advance(29_900);
    expect(client.bodies("heartbeat")).toEqual([]);
    rig.clock.advance(200);
    expect(client.bodies("heartbeat").length).toBe(1);
  });

  it("that only take newest values may be stuck for longer, and not for ever", async () => {
    const rig = await Rig.start({ limits: { slowConsumerMs: 30_000, stalledMs: 300_000 } });
    const { session, client } = rig.open(identityOf("ann"));
    await rig.follow(session, { topics: ["gauge:x"] });
    client.stick();
    for (let value = 1; value <= 10; value++) await rig.publish([["gauge", "x", value]]);
    rig.clock.advance(299_000);
    expect(client.closedWith).toBeUndefined();
    rig.clock.advance(2100);
    expect(client.closedWith).toBe("SLOW_CONSUMER");
  });

  it("are told to come back elsewhere when the server stops, after what they were owed", async () => {
    const rig = await Rig.start({ limits: { reconnectAfterMs: 1000 } });
    const { session, client } = rig.open(identityOf("ann", ["feed:a"]));
    await rig.follow(session, { topics: ["feed:a"] });
    const publishing = rig.publish([["feed", "a", 1]]);
    await publishing;
    await rig.engine.stop();
    expect(client.heard.map(([name]) => name)).toEqual(["event", "error"]);
    expect(client.closedWith).toBe("SHUTTING_DOWN");
    expect(() => rig.open(identityOf("bob"))).toThrow(
      expect.objectContaining({ code: "SHUTTING_DOWN", details: { reconnectAfterMs: 1000 } }),
    );
    expect(rig.disk.checkpoint?.checkpoint.offset).toBe(1);
  });
});
