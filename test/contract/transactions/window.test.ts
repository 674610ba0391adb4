/** Contract 30-transactions "Delivery guarantee": `after`, windows and pending events together; nothing skipped, nothing stalled. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { type FeedClient, type Told, feedClients, payments, tell } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: "150" } });
});
afterAll(() => server.remove());
const { plain, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

const ids = (count: number) => Array.from({ length: count }, (_, index) => `t${String(index).padStart(2, "0")}`);
/** Acknowledges whatever comes, after a while. */
function acknowledge(client: FeedClient, afterMs: number): void {
  const timer = setInterval(() => {
    for (const { eventId } of client.all("transaction").slice(acked)) setTimeout(() => client.say({ type: "ack", eventId }), afterMs);
    acked = client.all("transaction").length;
  }, 5);
  let acked = 0;
  void client.closed.then(() => clearInterval(timer));
}
const byId = ({ transaction }: Told) => (transaction as { id: string }).id;

it("a subscription after an event that was told, with unacknowledged ones beyond, tells all since in order through a small window", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?window=4");
  await client.subscribe();
  const all = ids(12);
  const eventIds = await tell(server, payments(sub, all));
  await client.idsUpTo("t03");
  client.say({ type: "ack", upTo: eventIds[3] });
  await client.idsUpTo("t07");
  const before = client.all("transaction").length;
  client.say({ type: "subscribe", after: eventIds[0] });
  acknowledge(client, 250);
  await until(
    () => client.all("subscribed").length === 2,
    () => client.told,
  );
  const since = client.all("transaction").slice(before).map(byId);
  expect([...new Set(since)].toSorted()).toEqual(expect.arrayContaining(all.slice(1)));
});

it("more pending than the new connection's window is told nonetheless, and nothing new until there is room", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?clientId=device&window=10");
  await client.subscribe();
  const eventIds = await tell(server, payments(sub, ids(12)));
  await client.idsUpTo("t09");
  client.close();
  await client.closed;
  const next = await plain({ sub }, "?clientId=device&window=2");
  await next.idsUpTo("t09");
  expect([...new Set(next.ids())]).toEqual(ids(10));
  next.say({ type: "ack", upTo: eventIds[7] });
  next.say({ type: "ack", eventId: eventIds[9] });
  await next.idsUpTo("t10");
  next.say({ type: "ack", upTo: eventIds[10] });
  await next.idsUpTo("t11");
  expect([...new Set(next.ids())]).toEqual(ids(12));
});

it("tells the one event that waited for a full window", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?window=1");
  await client.subscribe();
  const [eventId] = await tell(server, payments(sub, ["a"]));
  await client.idsUpTo("a");
  await tell(server, payments(sub, ["b"]));
  client.say({ type: "ack", eventId });
  expect(new Set(await client.idsUpTo("b"))).toEqual(new Set(["a", "b"]));
});

it("tells the newest event again to whoever asks for what came after the one before it, on the same connection", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?ack=none");
  await client.subscribe();
  const [after] = await tell(server, payments(sub, ["a", "b"]));
  await client.idsUpTo("b");
  await client.subscribe({ after });
  expect(client.ids()).toEqual(["a", "b", "b"]);
});
