/** Contract 40-trading `subscribe`, `unsubscribe`: answers, snapshots, cursors; bad input of any shape (00-common "Errors on sockets"). */
import type { Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, token, until } from "../server.ts";
import {
  EVENT_ID,
  MONITOR,
  type TradingClient,
  balance,
  created,
  order,
  position,
  say,
  tell,
  trade,
  tradingClients,
  upToNow,
} from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = tradingClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

describe("subscribe", () => {
  it("answers the same as message and as acknowledgement, and unsubscribe too", async () => {
    const client = await connect({ sub: newUser() });
    const { success, ...answer } = await client.ask("subscribe", { channel: "trading" });
    expect([success, client.all("subscribed")]).toStrictEqual([true, [answer]]);
    expect(answer).toStrictEqual({
      channel: "trading",
      eventId: expect.stringMatching(EVENT_ID),
      snapshot: { orders: [], positions: [], balances: [] },
    });
    expect(await client.ask("unsubscribe", { channel: "trading" })).toStrictEqual({ success: true, channel: "trading" });
    expect(client.all("unsubscribed")).toStrictEqual([{ channel: "trading" }]);
    client.socket.emit("subscribe", { channel: "trading" });
    expect(await client.first("subscribed", 1)).toStrictEqual(answer);
    client.socket.emit("unsubscribe", { channel: "trading" });
    expect(await client.first("unsubscribed", 1)).toStrictEqual({ channel: "trading" });
  });

  it("shows orders, open positions and balances as they stand, and not what is closed or somebody else's", async () => {
    const sub = newUser();
    await tell(server, [
      created(sub, "o1"),
      say("order.filled", sub, order("o1", { status: "filled", filledQuantity: "1000000.00" })),
      say("order.rejected", sub, { ...order("o2", { status: "rejected" }), reason: "no funds" }),
      say("position.opened", sub, position("p1")),
      say("position.updated", sub, position("p1", { quantity: "4.0" })),
      say("position.opened", sub, position("p2")),
      say("position.closed", sub, position("p2", { status: "closing" })),
      say("position.opened", sub, position("p3")),
      say("position.updated", sub, position("p3", { status: "CLOSED" })),
      say("trade.executed", sub, trade("t1")),
      say("balance.updated", sub, balance("USD", "1")),
      say("balance.updated", sub, balance("EUR", "2")),
      say("balance.updated", sub, balance("USD", "3.00")),
    ]);
    await tell(server, [created(`${sub}x`, "foreign"), say("balance.updated", `${sub}x`, balance("GBP"))]);
    await tell(server, [created(sub, "elsewhere")], "other");
    const { snapshot } = await (await connect({ sub })).follow();
    expect(snapshot).toStrictEqual({
      orders: [order("o1", { status: "filled", filledQuantity: "1000000.00" }).order, order("o2", { status: "rejected" }).order],
      positions: [position("p1", { quantity: "4.0" }).position],
      balances: [balance("USD", "3.00").balance, balance("EUR", "2").balance],
    });
  });

  it("tells nothing twice and skips nothing between snapshot and events, while events pour in", async () => {
    const sub = newUser();
    const over = new AbortController();
    const pouring = (async () => {
      for (let count = 0; !over.signal.aborted; count++)
        await tell(server, [created(sub, `${count}`), say("balance.updated", sub, balance("USD", `${count}`))]);
    })();
    for (let round = 0; round < 6; round++) {
      const client = await connect({ sub });
      const { snapshot, eventId } = await client.follow();
      await client.first("order:created", 5);
      const [known, told] = [
        snapshot.orders.map(({ id }) => Number(id)),
        client
          .ids()
          .filter((id) => id !== "USD")
          .map(Number),
      ];
      const all = [...known, ...told];
      expect(all).toEqual(all.map((_, index) => (all[0] ?? 0) + index));
      expect(snapshot.balances?.[0]?.["total"] ?? "-1").toBe(String(known.at(-1) ?? -1));
      for (const [, body] of client.events()) expect(String(body["eventId"]) > eventId).toBe(true);
      client.socket.disconnect();
    }
    over.abort();
    await pouring;
  });

  it("again answers again and changes nothing", async () => {
    const sub = newUser();
    const client = await connect({ sub });
    for (let times = 0; times < 5; times++) await client.follow();
    await tell(server, [created(sub, "a")]);
    await upToNow(client);
    expect(client.ids()).toEqual(["a"]);
    await client.ask("unsubscribe", { channel: "trading" });
    await client.ask("unsubscribe", { channel: "trading" });
    expect(client.all("unsubscribed")).toHaveLength(2);
  });

  it("and unsubscribe in one breath end as the last of them says", async () => {
    const sub = newUser();
    const client = await connect({ sub });
    const { eventId } = await client.follow();
    await tell(server, [created(sub, "a")]);
    for (const command of ["unsubscribe", "subscribe", "unsubscribe"]) client.socket.emit(command, { channel: "trading", after: eventId });
    await client.first("unsubscribed", 1);
    await tell(server, [created(sub, "b")]);
    await upToNow(client);
    expect(client.ids()).not.toContain("b");
  });

  it("tells several tabs of one user the same, each from its own place", async () => {
    const sub = newUser();
    const tabs = [await connect({ sub }), await connect({ sub }), await connect({ sub }, { transports: ["polling"] })];
    const { eventId } = await (tabs[0] as TradingClient).follow();
    await tell(server, [created(sub, "a")]);
    for (const tab of tabs.slice(1)) await tab.follow("trading", eventId);
    await tell(server, [created(sub, "b"), say("trade.executed", sub, trade("t"))]);
    for (const tab of tabs) {
      await tab.first("trade:executed");
      expect(tab.ids()).toEqual(["a", "b", "t"]);
    }
    expect(new Set(tabs.map((tab) => JSON.stringify(tab.events()))).size).toBe(1);
  });
});

describe("subscribe {after}", () => {
  it("tells from any point what came after it, of two users each the own, then answers with the state of now", async () => {
    const users = [newUser(), newUser()];
    const ids = await tell(
      server,
      Array.from({ length: 24 }, (_, index) => created(users[index % 2] ?? "", `${index}`)),
    );
    for (const [which, sub] of users.entries()) {
      for (const place of [0, 1, 11, 22, 23]) {
        const client = await connect({ sub });
        const { snapshot, eventId } = await client.follow("trading", ids[place]);
        const missed = ids.map((_, index) => index).filter((index) => index > place && index % 2 === which);
        expect(client.ids()).toEqual(missed.map(String));
        expect(client.told.at(-1)?.[0]).toBe("subscribed");
        expect([snapshot.orders.length, eventId >= (ids.at(-1) ?? "")]).toEqual([12, true]);
        client.socket.disconnect();
      }
    }
  });

  it("tells a thousand missed events, in order and then live ones", async () => {
    const sub = newUser();
    const { eventId } = await (await connect({ sub })).follow();
    const ids = Array.from({ length: 1000 }, (_, index) => `${index}`);
    for (const part of [ids.slice(0, 10), ids.slice(10, 600), ids.slice(600)])
      await tell(
        server,
        part.map((id) => created(sub, id)),
      );
    for (const transports of [["websocket"], ["polling"]]) {
      const client = await connect({ sub }, { transports });
      await Promise.all([client.follow("trading", eventId), tell(server, [created(sub, "live")])]);
      await upToNow(client);
      expect(client.ids()).toEqual([...ids, "live"]);
      ids.push("live");
    }
  });

  it.each(["", "nonsense", "0-0", "1-zzzzzzzzz", "EV-0000000000000001", "9".repeat(300), "１-000000000", "constructor"])(
    "%j is unknown: resync, the state, and what comes",
    async (after) => {
      const sub = newUser();
      await tell(server, [created(sub, "a")]);
      const client = await connect({ sub });
      const { snapshot, eventId } = await client.follow("trading", after);
      expect(client.told.map(([name]) => name)).toEqual(["connected", "resync", "subscribed"]);
      expect(client.all("resync")).toMatchObject([{ reason: "unknown", eventId }]);
      expect(snapshot.orders).toMatchObject([{ id: "a" }]);
      await tell(server, [created(sub, "b")]);
      await upToNow(client);
      expect(client.ids()).toEqual(["b"]);
    },
  );

  it("of the future, and of another life of the log, is unknown though its offset exists", async () => {
    const sub = newUser();
    const client = await connect({ sub });
    const { eventId } = await client.follow();
    const [time = "", suffix = ""] = eventId.split("-");
    const other = suffix.startsWith("z") ? `a${suffix.slice(1)}` : `z${suffix.slice(1)}`;
    for (const after of [`${time}-${other}`, `${time}-${suffix.slice(0, -3)}zzz`]) await client.follow("trading", after);
    expect(client.all("resync").map(({ reason }) => reason)).toEqual(["unknown", "unknown"]);
  });

  it("works for a channel that is followed already: what came since is told once more, nothing else changes", async () => {
    const sub = newUser();
    const client = await connect({ sub });
    const { eventId } = await client.follow();
    await tell(server, [created(sub, "a"), created(sub, "b")]);
    await client.follow("trading", eventId);
    expect(client.ids()).toEqual(["a", "b", "a", "b"]);
    await tell(server, [created(sub, "c")]);
    await upToNow(client);
    expect(client.ids().slice(4)).toEqual(["c"]);
  });

  it("of both channels at once: each event once where it is news to either", async () => {
    const sub = newUser();
    const client = await connect({ sub, permissions: [MONITOR] });
    const [after] = await tell(server, [created(newUser(), "x")]);
    await tell(server, [created(sub, "own"), created("somebody", "foreign"), say("balance.updated", sub, balance("USD"))]);
    await Promise.all([client.follow(MONITOR, after), client.follow("trading", after)]);
    await tell(server, [created(sub, "own too"), created("somebody", "foreign too")]);
    await upToNow(client);
    expect(client.ids().toSorted()).toEqual(["USD", "foreign", "foreign too", "own", "own too"]);
  });
});

describe("what is no command", () => {
  const refusals: readonly (readonly [what: string, body: unknown, path: string])[] = [
    ["nothing", undefined, ""],
    ["null", null, ""],
    ["a number", 5, ""],
    ["text", "trading", ""],
    ["an array", ["trading"], ""],
    ["no channel", {}, "channel"],
    ["a number's channel", { channel: 5 }, "channel"],
    ["several channels", { channel: ["trading"] }, "channel"],
    ["a channel that there is not", { channel: "nothing" }, "channel"],
    ["a channel of the prototype", { channel: "__proto__" }, "channel"],
    ["a method as channel", { channel: "toString" }, "channel"],
    ["another's channel", { channel: "user:ben" }, "channel"],
    ["a topic", { channel: "orders:me" }, "channel"],
    ["a channel in capitals", { channel: "Trading" }, "channel"],
    ["a channel with a space", { channel: "trading " }, "channel"],
    ["a long channel", { channel: "x".repeat(60_000) }, "channel"],
    ["a number's cursor", { channel: "trading", after: 5 }, "after"],
    ["a cursor of many", { channel: "trading", after: ["1-000000000"] }, "after"],
    ["bytes", Buffer.from("trading"), "channel"],
    ["bytes as channel", { channel: Buffer.from("trading") }, "channel"],
  ];
  it("is refused with the place of the fault, as message and as acknowledgement, and changes nothing", async () => {
    const sub = newUser();
    const client = await connect({ sub });
    await client.follow();
    for (const [what, body, path] of refusals) {
      for (const command of path === "after" ? ["subscribe"] : ["subscribe", "unsubscribe"]) {
        const answer = await client.ask(command, ...(body === undefined ? [] : [body]));
        expect({ what, ...answer }).toMatchObject({ what, success: false, error: "BAD_REQUEST", path });
      }
      const before = client.all("error").length;
      client.socket.emit("subscribe", ...(body === undefined ? [] : [body]));
      expect({ what, ...(await client.first("error", before)) }).toMatchObject({ what, code: "BAD_REQUEST", path });
    }
    for (const command of ["", "order:created", "x".repeat(50_000), "subscribe:rfq"]) {
      expect(await client.ask(command, {})).toMatchObject({ success: false, error: "BAD_REQUEST" });
    }
    await tell(server, [created(sub, "a")]);
    await upToNow(client);
    expect(client.ids()).toEqual(["a"]);
  });

  it("passes over what it does not know beside what it does", async () => {
    const client = await connect({ sub: newUser() });
    expect(
      await client.ask("subscribe", { channel: "trading", after: null, userId: "ben", __proto__: { after: "x" } }, "more", 5),
    ).toMatchObject({
      success: true,
      channel: "trading",
    });
    expect(client.all("resync")).toEqual([]);
  });

  it.each([
    ["a packet of no type", "49"],
    ["an event without a name", "42[]"],
    ["an event of a number", "42[5]"],
    ["no JSON", '42["subscribe",{'],
    ["an ack of nothing", "4312[1]"],
    ["an attachment that does not come", '451-["subscribe",{"_placeholder":true,"num":0}]'],
    ["a placeholder of nothing", '450-["subscribe",{"channel":{"_placeholder":true,"num":7}}]'],
    ["a deep one", `42["subscribe",${"[".repeat(20_000)}${"]".repeat(20_000)}]`],
  ])("leaves the connection working: %s", async (_what, packet) => {
    const sub = newUser();
    const client = await connect({ sub });
    const { transport } = client.socket.io.engine as unknown as { transport: { ws: { send(text: string): void } } };
    transport.ws.send(packet);
    await client.follow();
    await tell(server, [created(sub, "a")]);
    await client.first("order:created");
    for (const error of client.all("error")) expect(error).toMatchObject({ code: "BAD_REQUEST" });
  });

  it("ends the connection where a frame is too big, and no other", async () => {
    const [client, other] = [await connect({ sub: newUser() }), await connect({ sub: newUser() })];
    client.socket.emit("subscribe", { channel: "x".repeat(70_000) });
    await client.closed;
    expect(await other.ask("ping")).toEqual({ pong: expect.any(Number) });
  });

  it("is limited: RATE_LIMITED with the time to wait, and a flood after it ends the connection", async () => {
    const client = await connect({ sub: newUser() });
    const answers = await Promise.all(Array.from({ length: 300 }, () => client.ask("subscribe", { channel: "trading" })));
    const limited = answers.filter(({ error }) => error === "RATE_LIMITED");
    expect(limited.length).toBeGreaterThan(10);
    for (const { retryAfterMs } of limited) expect(retryAfterMs).toEqual(expect.toSatisfy((ms: number) => ms > 0 && ms <= 100));
    await until(async () => (await client.ask("ping"))["pong"] !== undefined);
    for (let count = 0; count < 1500; count++) client.socket.emit("subscribe", { channel: "trading" });
    await client.closed;
    expect(client.all("error").at(-1)).toMatchObject({ code: "RATE_LIMITED" });
  });
});

describe("an application that does as the seed's", () => {
  it("is told everything though it subscribes before it is greeted, over polling that becomes WebSocket", async () => {
    const sub = newUser();
    const onConnect = (socket: Socket) => socket.emit("subscribe", { channel: "trading" });
    const client = await connect({ sub }, { onConnect, transports: ["polling", "websocket"] });
    await client.first("subscribed");
    for (let count = 0; count < 20; count++) await tell(server, [created(sub, `${count}`)]);
    await client.first("order:created", 19);
    expect(client.ids()).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
  });

  it("is let in by query and header too", async () => {
    const bearer = await token({ sub: newUser() });
    for (const headers of [{ authorization: `Bearer ${bearer}` }, {}]) {
      const query = headers.authorization === undefined ? `&token=${bearer}` : "";
      const response = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling${query}`, {
        headers: headers as Record<string, string>,
      });
      const { sid } = JSON.parse((await response.text()).slice(1)) as { sid: string };
      const poll = `${server.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
      await fetch(poll, { method: "POST", body: "40" });
      await until(async () => (await (await fetch(poll)).text()).includes('"connected"'));
    }
  });
});
