import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../engine/clock.ts";
import { openSqliteRegistry } from "../registry/sqlite/sqlite-registry.ts";
import { startDispatcher } from "./dispatcher.ts";
import type { Notice } from "./notifier.ts";
import { createWebhookNotifier } from "./webhook/webhook.ts";

const notice: Notice = {
  idempotencyKey: "EV-0001000000000001",
  tenant: "acme",
  userId: "ann",
  eventId: "EV-0001000000000001",
  type: "fraud.alert",
  storedAt: 1_700_000_000_000,
  alert: '{"action":"BLOCK"}',
};

/** A server that is left alone with one notice; the registry's thread inherits its flags, so they name no kind of module. */
const PROGRAM = `
  const main = async ([here, directory, url, notice]) => {
    const { systemClock } = await import(new URL("../engine/clock.ts", here));
    const { openSqliteRegistry } = await import(new URL("../registry/sqlite/sqlite-registry.ts", here));
    const { startDispatcher } = await import(new URL("./dispatcher.ts", here));
    const { createWebhookNotifier } = await import(new URL("./webhook/webhook.ts", here));
    const notifier = createWebhookNotifier({ url, secret: "s", clock: systemClock });
    const registry = await openSqliteRegistry(directory);
    const onFault = console.error;
    const dispatcher = await startDispatcher({ notifier, registry, clock: systemClock, random: Math.random, keepMs: 1e9, onFault });
    dispatcher.take(JSON.parse(notice));
  };
  void main(process.argv.slice(1));
`;

it("sends nothing twice over kill -9: what was under way is unknown after the restart", async () => {
  const directory = mkdtempSync(join(tmpdir(), "broadtape-notices-"));
  let posts = 0;
  // It never answers: the process dies while it waits.
  const receiver = createServer((request) => {
    posts += 1;
    request.resume();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const args = ["--conditions=@broadtape/source", "--eval", PROGRAM, "--", import.meta.url, directory, url];
  const child = spawn(process.execPath, [...args, JSON.stringify(notice)], { stdio: "inherit" });
  const ended = once(child, "exit");
  try {
    await expect.poll(() => posts).toBe(1);
    child.kill("SIGKILL");
    await ended;

    const registry = await openSqliteRegistry(directory);
    const notifier = createWebhookNotifier({ url, secret: "s", clock: systemClock });
    const faults: unknown[] = [];
    const onFault = (error: unknown) => faults.push(error);
    const dispatcher = await startDispatcher({ notifier, registry, clock: systemClock, random: Math.random, keepMs: 1e9, onFault });
    dispatcher.take(notice);
    await expect.poll(() => dispatcher.counts.repeated).toBe(1);
    expect(await registry.listNotices({ limit: 10 })).toMatchObject([{ eventId: notice.eventId, kind: "webhook", status: "unknown" }]);
    expect(posts).toBe(1);
    expect(faults).toEqual([]);
    await dispatcher.close();
    await registry.close();
  } finally {
    child.kill("SIGKILL");
    receiver.closeAllConnections();
    receiver.close();
    rmSync(directory, { recursive: true });
  }
});
