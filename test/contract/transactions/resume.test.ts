/** Contract 30-transactions "Delivery guarantee": a client that names itself goes on where it was. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publisherToken, startTestServer, until } from "../server.ts";
import { type FeedClient, balance, feedClients, fraudAlert, payment, payments, tell } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { plain, named, stream, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const OPEN: Readonly<Record<string, (sub: string, query?: Record<string, string>) => Promise<FeedClient>>> = {
  "a plain WebSocket": (sub, query = {}) => plain({ sub }, `?${new URLSearchParams({ clientId: "device", ...query }).toString()}`),
  "Socket.IO": (sub, query = {}) => named({ sub }, { clientId: "device", ...query }),
};
const SURFACES = Object.entries(OPEN);
const PAIRS = SURFACES.flatMap(([from, openFirst]) => SURFACES.map(([to, openThen]) => [from, to, openFirst, openThen] as const));

describe.each(PAIRS)("from %s to %s", (_from, _to, openFirst, openThen) => {
  it("restores events and filters, and tells everything pending in order, then what came since, then live", async () => {
    const sub = newUser();
    const first = await openFirst(sub);
    expect(first.told[0]).toEqual({
      type: "connected",
      connectionId: expect.any(String),
      timestamp: expect.any(String),
      resumed: false,
    });
    await first.subscribe({ events: ["transaction", "fraud"], filters: { minAmount: 5 } });
    const ids = await tell(server, payments(sub, ["a", "b", "c", "d"]));
    await first.idsUpTo("d");
    first.say({ type: "ack", eventIds: [ids[0], ids[2]] });
    await first.subscribe({ events: ["transaction", "fraud"], filters: { minAmount: 6 } });
    first.close();
    await first.closed;
    await tell(server, [...payments(sub, ["e"]), payment(sub, "f", { amount: "5.99" }), fraudAlert(sub), balance(sub, "NGN", "1")]);
    const next = await openThen(sub);
    expect(next.told[0]).toMatchObject({
      resumed: true,
      subscription: { events: ["transaction", "fraud"], filters: { minAmount: 6 } },
    });
    await tell(server, [fraudAlert(sub, { transactionId: '"live"' })]);
    await next.first("fraud", 1);
    expect(next.all("balance")).toEqual([]);
    expect(next.told.filter(({ type }) => type === "error" || type === "resync")).toEqual([]);
    expect(next.ids()).toEqual(["b", "d", "e"]);
    expect(next.all("fraud").map(({ redelivered }) => redelivered)).toEqual([undefined, undefined]);
  });

  it("tells each event once that was not told before, and each pending one again", async () => {
    const sub = newUser();
    const first = await openFirst(sub);
    await first.subscribe({ events: ["transaction"] });
    const ids = await tell(server, payments(sub, ["a", "b", "c", "d"]));
    await first.idsUpTo("d");
    first.say({ type: "ack", eventIds: [ids[0], ids[2]] });
    first.say({ type: "subscribe", events: ["transaction"] });
    await first.first("subscribed", 1);
    first.close();
    await first.closed;
    await tell(server, payments(sub, ["e", "f"]));
    const next = await openThen(sub);
    await tell(server, payments(sub, ["g"]));
    expect(await next.idsUpTo("g")).toEqual(["b", "d", "e", "f", "g"]);
    const told = next.all("transaction").map(({ redelivered, attempt }) => [redelivered, attempt]);
    const anew = [undefined, undefined];
    expect(told).toEqual([[true, 2], [true, 2], anew, anew, anew]);
  });

  it("takes over from a live connection, which is closed with REPLACED, and misses nothing", async () => {
    const sub = newUser();
    const first = await openFirst(sub);
    await first.subscribe({ events: ["transaction"] });
    const [a] = await tell(server, payments(sub, ["a", "b"]));
    await first.idsUpTo("b");
    first.say({ type: "ack", eventId: a });
    await first.subscribe({ events: ["transaction"] });
    const next = await openThen(sub);
    await first.closed;
    expect(first.all("error")).toEqual([{ type: "error", code: "REPLACED", message: expect.any(String) }]);
    expect(next.told[0]).toMatchObject({ resumed: true });
    await tell(server, payments(sub, ["c"]));
    expect(await next.idsUpTo("c")).toEqual(["b", "c"]);
    expect(first.ids()).toEqual(["a", "b"]);
  });
});

describe("a client's name", () => {
  it("is one's own: another user's, another tenant's and another device's places are theirs", async () => {
    const sub = newUser();
    const owner = await plain({ sub }, "?clientId=phone");
    await owner.subscribe();
    for (const claims of [{ sub: newUser() }, { sub, tenantId: "other" }]) {
      const other = await plain(claims, "?clientId=phone");
      expect(other.told[0]).toMatchObject({ resumed: false });
    }
    const tablet = await plain({ sub }, "?clientId=tablet");
    expect(tablet.told[0]).toMatchObject({ resumed: false });
    await tablet.subscribe();
    const [eventId] = await tell(server, payments(sub, ["t"]));
    await tell(server, payments(sub, ["foreign"]), await publisherToken("other"));
    await Promise.all([owner, tablet].map((each) => each.idsUpTo("t")));
    owner.say({ type: "ack", eventId });
    await owner.subscribe();
    for (const each of [owner, tablet]) each.close();
    await Promise.all([owner.closed, tablet.closed]);
    const again = await plain({ sub }, "?clientId=tablet");
    expect(await again.idsUpTo("t")).toEqual(["t"]);
    const phone = await plain({ sub }, "?clientId=phone");
    await tell(server, payments(sub, ["end"]));
    expect(await phone.idsUpTo("end")).toEqual(["end"]);
  });

  it.each(["", "a b", "x".repeat(65), "ä", "a/b"])("%j is refused", async (clientId) => {
    await expect(plain({ sub: newUser() }, `?clientId=${encodeURIComponent(clientId)}`)).rejects.toThrow("400");
  });
});

describe("after", () => {
  it("tells what was missed since, once more what was acknowledged, and then the answer", async () => {
    const sub = newUser();
    const client = await plain({ sub }, "?clientId=device");
    await client.subscribe();
    const [a] = await tell(server, payments(sub, ["a", "b", "c"]));
    await client.idsUpTo("c");
    client.say({ type: "ack", upTo: a });
    const second = await plain({ sub });
    await second.subscribe({ after: a });
    expect(second.told.map(({ type }) => type)).toEqual(["connected", "transaction", "transaction", "subscribed"]);
    expect(second.ids()).toEqual(["b", "c"]);
  });

  it.each(["EV-0000000000000001", "EV-ffffffffffffffff", "nonsense", ""])(
    "%j is unknown: resync, and balances as they stand",
    async (after) => {
      const sub = newUser();
      const [eventId] = await tell(server, [balance(sub, "NGN", "50000.00")]);
      const client = await plain({ sub });
      client.say({ type: "subscribe", after });
      await client.first("balance");
      const types = client.told.map(({ type }) => type).filter((type) => type !== "subscribed");
      expect(types).toEqual(["connected", "resync", "balance"]);
      expect(client.all("resync")).toEqual([{ type: "resync", reason: "unknown" }]);
      expect(client.all("balance")[0]).toMatchObject({ eventId, wallet: { currency: "NGN" } });
      const events = await stream({ sub }, "", after === "" ? "EV-" : after);
      await events.first("balance");
      expect(events.told.map(({ type }) => type).filter((type) => ["resync", "balance"].includes(type))).toEqual(["resync", "balance"]);
      await tell(server, payments(sub, ["t"]));
      for (const each of [client, events]) expect(await each.idsUpTo("t")).toEqual(["t"]);
      await until(() => client.texts.some((text) => text.includes("50000.00")));
    },
  );
});
