/** Ports of the loopback that nobody has. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below those that the kernel gives to outgoing connections (from 32768 on): whatever listens here finds its port free again when it is
 * started once more. Above the few that browsers refuse to open.
 */
const FIRST = 11_000;
const LAST = 32_000;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(FIRST, LAST);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("no port is free");
}
