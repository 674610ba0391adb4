/** Contract 30-transactions: acks across connections, filters that change, events that are unsubscribed. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type TestServer, startTestServer } from "../server.ts";
import { feedClients, payment, payments, tell } from "./feed-client.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: "150" } });
});
afterAll(() => server.remove());
const { plain, end } = feedClients(() => server);
afterEach(end);
let last = 0;
const newUser = () => `user-${++last}`;

it("an ack of what was sent on the connection before counts on this one", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?clientId=device");
  await client.subscribe();
  const [a, b] = await tell(server, payments(sub, ["a", "b", "c"]));
  await client.idsUpTo("c");
  client.close();
  await client.closed;
  const next = await plain({ sub }, "?clientId=device");
  await next.idsUpTo("c");
  next.say({ type: "ack", eventIds: [a, b] });
  await next.subscribe();
  next.close();
  await next.closed;
  const third = await plain({ sub }, "?clientId=device");
  await tell(server, payments(sub, ["end"]));
  const told = await third.idsUpTo("end");
  expect(new Set(told)).toEqual(new Set(["c", "end"]));
});

it("filters that changed hold from the next event on; what they keep back is neither pending nor told later", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?clientId=device&window=1");
  await client.subscribe({ filters: { minAmount: 10 } });
  const amounts = ["10", "9", "11", "1", "12"];
  const eventIds = await tell(
    server,
    amounts.map((amount) => payment(sub, amount, { amount })),
  );
  for (const index of [0, 2, 4]) {
    await client.idsUpTo(amounts[index] ?? "");
    client.say({ type: "ack", eventId: eventIds[index] });
  }
  await client.subscribe({ filters: {} });
  client.close();
  await client.closed;
  const next = await plain({ sub }, "?clientId=device");
  await tell(server, [payment(sub, "small", { amount: "0.01" })]);
  expect(await next.idsUpTo("small")).toEqual(["small"]);
  expect(new Set(client.ids())).toEqual(new Set(["10", "11", "12"]));
});

it("an event that was unsubscribed is told no more, and what came meanwhile not when it is subscribed again", async () => {
  const sub = newUser();
  const client = await plain({ sub }, "?clientId=device");
  await client.subscribe({ events: ["transaction", "fraud"] });
  client.say({ type: "unsubscribe", events: ["transaction"] });
  expect(await client.first("unsubscribed")).toMatchObject({ events: ["fraud"], filters: {} });
  await tell(server, payments(sub, ["meanwhile"]));
  await client.subscribe({ events: ["transaction"] });
  await tell(server, payments(sub, ["t"]));
  expect(new Set(await client.idsUpTo("t"))).toEqual(new Set(["t"]));
});
