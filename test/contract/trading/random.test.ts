/** Contract 40-trading "gets every event it missed within retention, in order, then live": whatever happens to the connection, by whatever a client comes back. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { chances } from "../rfq/desk.ts";
import { type TestServer, startTestServer, until } from "../server.ts";
import { MONITOR, type TradingClient, created, tell, tradingClients, upToNow } from "./desk.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_HEARTBEAT_MS: "50" } });
});
const { connect, end } = tradingClients(() => server);
afterAll(async () => {
  end();
  await server.remove();
});

it.each([1, 2, 3])("tells each of two users each event once and in order (seed %i)", async (seed) => {
  const chance = chances(Number(process.env["BROADTAPE_TEST_SEED"] ?? 0) * 1000 + seed);
  const users = [`ann-${seed}`, `ben-${seed}`];
  const published = new Map(users.map((sub): [string, string[]] => [sub, []]));
  const told = new Map(users.map((sub): [string, string[]] => [sub, []]));
  const clients = new Map<string, TradingClient>();
  const arrive = async (sub: string) => {
    // Ann monitors too, and so is told of Ben as well; Ben says where he was himself.
    const isAnn = sub === users[0];
    const client = await connect(
      { sub, permissions: isAnn ? [MONITOR] : [], tenantId: `tenant-${seed}` },
      { reconnection: true, ...(isAnn && { auth: { clientId: "desk" } }) },
    );
    client.socket.onAny((name: string, body: { order?: { id: string } }) => {
      if (name === "order:created" && body.order !== undefined) told.get(sub)?.push(body.order.id);
    });
    clients.set(sub, client);
    return client;
  };
  const cursors = new Map<string, string>();
  const settle = async (client: TradingClient) => {
    await until(() => client.socket.connected);
    await upToNow(client);
  };
  for (const sub of users) {
    const client = await arrive(sub);
    if (sub === users[0]) await client.follow(MONITOR);
    else await client.follow();
  }
  let count = 0;
  const publishSome = async () => {
    const batch = Array.from({ length: 1 + chance(5) }, () => [users[chance(2)] ?? "", `${count++}`] as const);
    for (const [sub, id] of batch) {
      published.get(users[0] ?? "")?.push(id);
      if (sub !== users[0]) published.get(sub)?.push(id);
    }
    await tell(
      server,
      batch.map(([sub, id]) => created(sub, id)),
      `tenant-${seed}`,
    );
  };
  for (let step = 0; step < 60; step++) {
    const sub = users[chance(2)] ?? "";
    const client = clients.get(sub);
    if (client === undefined) throw new Error(`${sub} is not there`);
    switch (chance(6)) {
      case 0: {
        client.socket.io.engine.close();
        await publishSome();
        await settle(client);
        break;
      }
      case 1: {
        // Its page is loaded anew: neither wire nor memory is left.
        await settle(client);
        const last = client.events().at(-1)?.[1]["eventId"] ?? client.all("subscribed").at(-1)?.["eventId"];
        cursors.set(sub, String(last));
        await client.leave();
        await publishSome();
        const next = await arrive(sub);
        await (sub === users[0] ? next.follow(MONITOR) : next.follow("trading", cursors.get(sub)));
        break;
      }
      case 2:
        await Promise.all([publishSome(), settle(client).then(() => client.follow(sub === users[0] ? MONITOR : "trading"))]);
        break;
      default:
        await publishSome();
    }
  }
  for (const client of clients.values()) await settle(client);
  for (const sub of users) {
    await until(
      () => (told.get(sub)?.length ?? 0) >= (published.get(sub)?.length ?? 0),
      () => told.get(sub),
    );
    expect(told.get(sub)).toEqual(published.get(sub));
  }
});
