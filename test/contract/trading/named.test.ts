/** Contract 40-trading "Event queuing for disconnected clients": a client that names itself is known again, whatever ended in between. */
import type { Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { MONITOR, balance, created, say, tell, tradingClients, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, knock, end } = tradingClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;
const auth = { clientId: "desk" };
/** As the seed's client does, without waiting for anything. */
const onConnect = (socket: Socket) => {
  socket.emit("subscribe", { channel: "trading" });
};

describe("a client that named itself", () => {
  it("is told what it missed when it comes back, though it subscribes before it is greeted", async () => {
    const sub = newUser();
    for (let round = 0; round < 5; round++) {
      const client = await connect({ sub }, { auth, onConnect });
      await client.first("subscribed");
      expect(client.ids()).toEqual(round === 0 ? [] : [`${round - 1}a`, `${round - 1}b`]);
      await client.leave();
      await tell(server, [created(sub, `${round}a`), created(sub, `${round}b`)]);
    }
  });

  it("is told nothing twice that was written to its socket", async () => {
    const sub = newUser();
    const first = await connect({ sub }, { auth, onConnect });
    await first.first("subscribed");
    await tell(server, [created(sub, "told")]);
    await first.first("order:created");
    await first.leave();
    await tell(server, [created(sub, "missed")]);
    const second = await connect({ sub }, { auth, onConnect });
    await second.first("subscribed");
    expect(second.ids()).toEqual(["missed"]);
  });

  it("goes by its own cursor where it brings one", async () => {
    const sub = newUser();
    const first = await connect({ sub }, { auth });
    const { eventId } = await first.follow();
    await tell(server, [created(sub, "a"), created(sub, "b")]);
    await first.first("order:created", 1);
    await first.leave();
    const second = await connect({ sub }, { auth });
    await second.follow("trading", eventId);
    expect(second.ids()).toEqual(["a", "b"]);
    // Only once: another subscribe of the same connection is no return.
    await second.follow();
    expect(second.ids()).toEqual(["a", "b"]);
  });

  it("is known after a kill -9 at once, and told what came since", async () => {
    const sub = newUser();
    const first = await connect({ sub }, { auth });
    await first.follow();
    await first.leave();
    await tell(server, [created(sub, "missed")]);
    await server.kill("SIGKILL");
    server = await server.restart();
    await tell(server, [created(sub, "later")]);
    const second = await connect({ sub }, { auth });
    await second.follow();
    expect(second.ids()).toEqual(["missed", "later"]);
  });

  it("is one of its name: another connection takes over, and who unsubscribed has missed nothing", async () => {
    const sub = newUser();
    const first = await connect({ sub }, { auth });
    await first.follow();
    const second = await connect({ sub }, { auth });
    await first.closed;
    expect(first.all("error")).toMatchObject([{ code: "REPLACED" }]);
    await second.follow();
    await tell(server, [created(sub, "a")]);
    await upToNow(second);
    expect([first.ids(), second.ids()]).toEqual([[], ["a"]]);
    await second.ask("unsubscribe", { channel: "trading" });
    await second.leave();
    await tell(server, [created(sub, "let go")]);
    const third = await connect({ sub }, { auth });
    await third.follow();
    expect(third.ids()).toEqual([]);
  });

  it("is another one for another user, another tenant and another name", async () => {
    const sub = newUser();
    const first = await connect({ sub }, { auth });
    await first.follow();
    await first.leave();
    await tell(server, [created(sub, "missed"), created(`${sub}-x`, "foreign")]);
    await tell(server, [created(sub, "elsewhere")], "other");
    for (const [claims, name] of [
      [{ sub: `${sub}-x` }, "desk"],
      [{ sub, tenantId: "other" }, "desk"],
      [{ sub }, "Desk"],
    ] as const) {
      const other = await connect(claims, { auth: { clientId: name } });
      await other.follow();
      expect(other.ids()).toEqual([]);
    }
    const back = await connect({ sub }, { auth });
    await back.follow();
    expect(back.ids()).toEqual(["missed"]);
  });

  it("comes back to all that it followed, monitor too, and each event once", async () => {
    const sub = newUser();
    const claims = { sub, permissions: [MONITOR] };
    const first = await connect(claims, { auth });
    await first.follow();
    await first.follow(MONITOR);
    await first.leave();
    await tell(server, [
      created(sub, "own"),
      created("else", "foreign"),
      say("balance.updated", sub, balance("USD")),
      say("balance.updated", "else", balance("EUR")),
    ]);
    const second = await connect(claims, { auth });
    await second.follow();
    await second.follow(MONITOR);
    await upToNow(second);
    expect(second.ids().toSorted()).toEqual(["USD", "foreign", "own"]);
  });

  it.each(["", "a b", "x".repeat(65), "ü", "a\u0000"])("is none that is called %j", async (clientId) => {
    const { socket, errors } = await knock({ sub: newUser() }, { clientId });
    expect(errors).toMatchObject([{ code: "BAD_REQUEST", path: "clientId" }]);
    expect(socket.connected).toBe(false);
  });
});

describe("a client that named itself and is recovered by its wire", () => {
  it("is told each event once, though it subscribes whenever it connects", async () => {
    const sub = newUser();
    const client = await connect({ sub }, { auth, onConnect, reconnection: true });
    await client.first("subscribed");
    for (let round = 0; round < 4; round++) {
      await tell(server, [created(sub, `live-${round}`)]);
      await client.first("order:created", 2 * round);
      client.socket.io.engine.close();
      await tell(server, [created(sub, `cut-${round}`)]);
      await client.first("subscribed", round + 1);
      await upToNow(client);
    }
    expect(client.socket.recovered).toBe(true);
    expect(client.ids()).toEqual([0, 1, 2, 3].flatMap((round) => [`live-${round}`, `cut-${round}`]));
  });

  it("has moved its place: who comes back anew is not told it again", async () => {
    const sub = newUser();
    const client = await connect({ sub }, { auth, reconnection: true });
    await client.follow();
    await tell(server, [created(sub, "live")]);
    await client.first("order:created");
    client.socket.io.engine.close();
    await tell(server, [created(sub, "recovered")]);
    await client.first("order:created", 1);
    await client.leave();
    await tell(server, [created(sub, "missed")]);
    const next = await connect({ sub }, { auth });
    await next.follow();
    expect(next.ids()).toEqual(["missed"]);
  });
});
