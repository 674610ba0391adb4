/** Contract 20-rfq "Several RFQs a connection", 00-common "Errors on sockets": many RFQs at once, and what is no command. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { cancel, create, quote, rfqClients, tell, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.remove());
const { connect, end } = rfqClients(() => server);
afterEach(end);
let last = 0;
const newIds = (count: number) => Array.from({ length: count }, () => `k-${++last}`);

const LIMIT = 200;
const REACHED = { success: false, error: "LIMIT_REACHED" };

describe("RFQs of a connection", () => {
  it("are 200, asked for one after the other or all at once; the 201st is refused, and room is made by letting go", async () => {
    const ids = newIds(LIMIT + 5);
    await tell(
      server,
      ids.map((id) => create(id)),
    );
    const client = await connect();
    const answers = await Promise.all(ids.map((rfqId) => client.ask("subscribe:rfq", { rfqId })));
    expect(answers.filter(({ success }) => success === true).length).toBe(LIMIT);
    expect(answers.slice(LIMIT)).toEqual(Array.from({ length: 5 }, () => REACHED));
    const [first = "", second = ""] = ids;
    const beyond = ids.at(-1) ?? "";
    expect(await client.ask("subscribe:rfq", { rfqId: first })).toMatchObject({ success: true });
    expect(await client.ask("unsubscribe:rfq", { rfqId: "never-followed" })).toEqual({ success: true });
    expect(await client.ask("subscribe:rfq", { rfqId: beyond })).toEqual(REACHED);
    for (let times = 0; times < 2; times++) expect(await client.ask("unsubscribe:rfq", { rfqId: first })).toEqual({ success: true });
    expect(await client.ask("subscribe:rfq", { rfqId: beyond })).toMatchObject({ success: true });
    expect(await client.ask("subscribe:rfq", { rfqId: first })).toEqual(REACHED);
    // Refusals, trader's feeds and RFQs that are over make or take no room of their own.
    expect(await client.ask("subscribe:trader")).toMatchObject({ success: true });
    await tell(server, [cancel(second)]);
    await client.first("rfq:cancelled");
    expect(await client.ask("subscribe:rfq", { rfqId: first })).toEqual(REACHED);
    expect(await (await connect()).ask("subscribe:rfq", { rfqId: first })).toMatchObject({ success: true });
  });

  it("are those of 200 traders at most", async () => {
    const client = await connect({ sub: "risk", permissions: ["rfq:read:tenant"] });
    const traders = newIds(LIMIT + 1);
    const answers = await Promise.all(traders.map((traderId) => client.ask("subscribe:trader", { traderId })));
    expect(answers.map(({ success }) => success)).toEqual([...Array.from({ length: LIMIT }, () => true), false]);
    expect(answers.at(-1)).toEqual(REACHED);
    expect(await client.ask("subscribe:trader", { traderId: traders[0] })).toMatchObject({ success: true });
  });

  it("take no room where they were refused", async () => {
    const client = await connect({ sub: "bob" });
    const [foreign = "", own = ""] = newIds(2);
    await tell(server, [create(foreign), create(own, { traderId: "bob" })]);
    const refused = Array.from({ length: LIMIT + 10 }, (_, index) => (index % 2 === 0 ? foreign : `unknown-${index}`));
    await Promise.all(refused.map((rfqId) => client.ask("subscribe:rfq", { rfqId })));
    expect(await client.ask("subscribe:rfq", { rfqId: own })).toMatchObject({ success: true });
  });

  it("are told apart: each its own events, none after it was let go, twice followed told once", async () => {
    const [a = "", b = "", c = ""] = newIds(3);
    await tell(
      server,
      [a, b, c].map((id) => create(id)),
    );
    const client = await connect();
    for (const rfqId of [a, b, a, b, a]) await client.follow(rfqId);
    await tell(
      server,
      [a, b, c].map((id) => quote(id, "q", { askPrice: 1 })),
    );
    await upToNow(server, client);
    await client.ask("unsubscribe:rfq", { rfqId: a });
    await tell(
      server,
      [c, b, a].map((id) => cancel(id)),
    );
    await upToNow(server, client);
    expect(client.steps().map(([name, body]) => [name, body["rfqId"]])).toEqual([
      ["quote:received", a],
      ["quote:received", b],
      ["rfq:cancelled", b],
    ]);
  });
});

describe("what is no body", () => {
  const deep = JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`) as unknown;
  const BODIES = [
    null,
    0,
    -1,
    1.5,
    true,
    "",
    "text",
    [],
    ["a"],
    {},
    { rfqId: null },
    { rfqId: 5 },
    { rfqId: {} },
    { rfqId: ["a"] },
    { rfqId: true },
  ];
  const ALL = [...BODIES, { rfqId: deep }, { RFQID: "a" }, { rfqId: "a", after: 5 }, { rfqId: "a", after: {} }, deep];

  it.each(["subscribe:rfq", "unsubscribe:rfq"])("is refused by %s, and the connection lives", async (command) => {
    const [rfqId = ""] = newIds(1);
    await tell(server, [create(rfqId)]);
    const client = await connect();
    await client.follow(rfqId);
    for (const body of ALL)
      expect({ body, answer: await client.ask(command, body) }).toEqual({
        body,
        answer: expect.objectContaining({ success: false, error: expect.stringMatching(/^[A-Z_]+$/) }),
      });
    await tell(server, [cancel(rfqId)]);
    await client.first("rfq:cancelled");
  });

  it("is refused by subscribe:trader where it names no trader and is not empty", async () => {
    const client = await connect();
    for (const body of [0, true, "ann", ["ann"], { traderId: 5 }, { traderId: {} }, { traderId: ["ann"] }, { after: 5 }, deep])
      expect({ body, answer: await client.ask("subscribe:trader", body) }).toMatchObject({ answer: { success: false } });
    const [rfqId = ""] = newIds(1);
    await tell(server, [create(rfqId)]);
    await upToNow(server, client);
    expect(client.steps(rfqId)).toEqual([]);
  });

  it("is answered with an error where nobody waits for an answer", async () => {
    const client = await connect();
    client.socket.emit("subscribe:rfq");
    client.socket.emit("subscribe:rfq", { rfqId: 5 });
    client.socket.emit("subscribe:rfq", new Uint8Array(10));
    client.socket.emit("subscribe:everything", {});
    client.socket.emit("rfq:filled", { rfqId: "x" });
    await client.first("error", 4);
    for (const error of client.all("error")) expect(error).toMatchObject({ code: "BAD_REQUEST", message: expect.any(String) });
    expect(client.all("error")[1]).toMatchObject({ path: "rfqId" });
    await upToNow(server, client);
  });

  it("does nothing where a subscription follows without an acknowledgement", async () => {
    const [rfqId = ""] = newIds(1);
    await tell(server, [create(rfqId)]);
    const client = await connect();
    client.socket.emit("subscribe:rfq", { rfqId });
    client.socket.emit("subscribe:trader");
    await client.ask("ping");
    await tell(server, [cancel(rfqId)]);
    await client.first("rfq:cancelled");
    expect(client.steps(rfqId).length).toBe(1);
  });
});
