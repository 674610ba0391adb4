/** Kill -9 of the whole server under load, over and over: what was acknowledged is there, once, in order; what was shown is durable. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io } from "socket.io-client";
import { expect, it } from "vitest";
import { type TestServer, freePort, publish, publisherToken, startTestServer, token, until } from "../contract/server.ts";
import { seeded } from "../simulation/world.ts";

const KILLS = 8;
/** What is shown of each life; of fewer, nothing could be said. */
const SHOWN = 7;

interface Stored {
  readonly eventId: string;
  readonly data: { readonly bid: number };
}

it(`loses no acknowledged event and shows no other over ${KILLS} kills of the server`, async () => {
  const directory = mkdtempSync(join(process.env["TEST_DISK"] ?? tmpdir(), "broadtape-kill-"));
  const port = await freePort();
  const random = seeded(42);
  const bearer = await publisherToken();
  const reader = await token();
  const acknowledged = new Map<number, string>();
  const shown = new Map<string, number>();
  let value = 0;
  let server: TestServer | undefined;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      server = await startTestServer({ directory, port });
      const { url } = server;
      const socket = io(`${url}/market-data`, { auth: { token: reader }, transports: ["websocket"], forceNew: true, reconnection: false });
      socket.on("price", (price: { eventId: string; bestBid: { price: number } }) => shown.set(price.eventId, price.bestBid.price));
      socket.on("connected", () => socket.emit("subscribe", { symbols: ["KILL"] }));
      let isOver = false;
      const writers = Array.from({ length: 8 }, async () => {
        while (!isOver) {
          const own = ++value;
          const answer = await publish(
            url,
            { type: "market-data.quote", id: `event-${own}`, data: { symbol: "KILL", source: "A", bid: own, ask: own, timestamp: own } },
            { bearer },
          ).catch(() => undefined);
          if (answer?.status === 200) acknowledged.set(own, answer.body.results[0]?.eventId ?? "");
        }
      });
      // When it happens is left to chance; that something is under way is not.
      const enough = acknowledged.size + 30 + Math.floor(random() * 200);
      await until(() => acknowledged.size >= enough && shown.size >= SHOWN * (kill + 1));
      await server.kill("SIGKILL");
      isOver = true;
      await Promise.all(writers);
      socket.close();
    }
    server = await startTestServer({ directory, port });
    const stored = await readAll(server.url, reader);
    const byId = new Map(stored.map(({ eventId, data }) => [eventId, data.bid]));
    expect(new Set(stored.map(({ data }) => data.bid)).size).toBe(stored.length);
    for (const [own, eventId] of acknowledged) expect(byId.get(eventId), `acknowledged ${eventId}`).toBe(own);
    for (const [eventId, bid] of shown) expect(byId.get(eventId), `shown ${eventId}`).toBe(bid);
    const ids = stored.map(({ eventId }) => eventId);
    expect([...ids].sort()).toEqual(ids);
  } finally {
    await server?.remove();
    rmSync(directory, { recursive: true, force: true });
  }
});

async function readAll(url: string, bearer: string): Promise<Stored[]> {
  const events: Stored[] = [];
  for (let after = ""; ;) {
    const response = await fetch(`${url}/api/v1/topics/symbol:KILL/events?limit=1000&after=${after}`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    const page = (await response.json()) as { events: Stored[]; next: string; complete: boolean };
    events.push(...page.events);
    if (page.complete) return events;
    after = page.next;
  }
}
