/** Contract 30-transactions "Delivery guarantee": at least once, wherever a line breaks or the server ends. */
import { setTimeout as passed } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type TestServer, startTestServer, until } from "../server.ts";
import { Device, generator, load } from "./devices.ts";
import { feedClients } from "./feed-client.ts";

const SEED = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const USERS = ["ann", "ben"];

let server: TestServer;
const clients = feedClients(() => server);
afterEach(async () => {
  clients.end();
  await server.remove();
});

describe.each([
  ["devices that come and go", [] as NodeJS.Signals[]],
  ["a server that is killed", ["SIGKILL", "SIGKILL"]],
  ["a server that ends in any way", ["SIGTERM", "SIGKILL", "SIGTERM"]],
] as [string, NodeJS.Signals[]][])("under %s", (_what, ends) => {
  it(`tells every device all of its user's events that it wants, in the order of the log, and nobody else's (seed ${SEED})`, async () => {
    const random = generator(SEED);
    server = await startTestServer({ env: { BROADTAPE_LIMIT_REDELIVER_MS: "150", BROADTAPE_LIMIT_ACK_WINDOW: "16" } });
    const devices = USERS.flatMap((user) => [0, 50].map((minAmount) => new Device(clients, user, minAmount, random)));
    for (const device of devices) await device.subscribe();
    let isLoadOver = false;
    let isOver = false;
    const published = load(
      () => server,
      USERS,
      random,
      () => isLoadOver,
    );
    const lives = devices.map((device) => device.live(() => isOver));
    await passed(1000);
    for (const signal of ends) {
      await passed(300 + random() * 1000);
      const settling = signal === "SIGTERM" ? await Promise.all(devices.map((device) => device.settle())) : [];
      const code = await server.kill(signal);
      if (signal === "SIGTERM") expect(code).toBe(0);
      for (const settled of settling) settled();
      server = await server.restart();
    }
    isLoadOver = true;
    const log = await published;
    const wanted = (device: Device) => log.filter(({ user, amount }) => user === device.user && amount >= device.minAmount);
    for (const device of devices) {
      await until(
        () => device.first.size >= wanted(device).length,
        () => ({ missing: wanted(device).filter(({ eventId }) => !device.first.has(eventId)), of: wanted(device).length }),
      );
    }
    isOver = true;
    await Promise.all(lives);
    for (const device of devices) {
      expect([...device.first.keys()]).toEqual(wanted(device).map(({ eventId }) => eventId));
      expect(device.toldAgain).toEqual([]);
    }
    if (ends.includes("SIGTERM")) expect(devices.reduce((sum, { settled }) => sum + settled, 0)).toBeGreaterThan(0);
  });
});
