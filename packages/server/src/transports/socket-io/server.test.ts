import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Refusal } from "@broadtape/protocol/errors";
import { testSurface } from "../../../testing/connection.ts";
import { Rig, identityOf } from "../../../testing/rig.ts";
import type { SocketSurface } from "../../engine/surface.ts";
import { serveSocketIo } from "./server.ts";

const received: unknown[] = [];
const surface: SocketSurface = {
  ...testSurface(),
  path: "/test",
  idleMs: 60_000,
  commandRate: { burst: 1000, perSecond: 1 },
  open: () => undefined,
  looksAtViews: new Set(),
  receive(_session, _desk, command) {
    if (command === "wait in vain") return Promise.reject(new Error("the registry is away"));
    if (command !== "ping") throw new Refusal("BAD_REQUEST", `${command.slice(0, 64)} is not a command`);
    received.push(command);
    return { pong: 1 };
  },
  answerRefused: ({ code }) => ({ refused: code }),
};

const server = createServer();
const rig = await Rig.start();
const nothing = () => undefined;
const io = serveSocketIo({
  server,
  engine: rig.engine,
  gate: { authenticate: async () => identityOf("ann"), verify: async () => identityOf("ann") },
  surfaces: [surface],
  addressOf: () => "test",
  corsOrigins: [],
  frameBytes: 65_536,
  log: { info: nothing, warn: nothing, error: nothing },
});

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => io.close());

/** A connected client that speaks packets of its own making; gives what it hears until the answer to its ping. */
async function hearAfter(...packets: readonly string[]): Promise<string[]> {
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const heard: string[] = [];
  client.on("message", (bytes: Buffer) => {
    const text = bytes.toString();
    if (text.startsWith("0{")) client.send("40/test,{}");
    else if (text.startsWith("40/test,")) for (const packet of [...packets, '2/test,99["ping"]']) client.send(`4${packet}`);
    else if (text.startsWith("43/test,99")) client.close();
    else heard.push(text);
  });
  // The fake clock's turns end with the real ones.
  const turning = setInterval(() => rig.clock.turn(), 1);
  await once(client, "close");
  clearInterval(turning);
  return heard;
}

describe("a Socket.IO namespace", () => {
  it.each([
    ["an event that is named by a number", "2/test,[5]"],
    ["an event without a name", "2/test,[]"],
    ["an event without data", "2/test,"],
    ["an event that is but a question for an answer", "2/test,7"],
    ["text that is no JSON", "2/test,["],
    ["an event named error", '2/test,["error",{}]'],
    ["a name that every object has", '2/test,["__proto__",{}]'],
    ["a packet whose attachments never come", '51-/test,["x",{"_placeholder":true,"num":0}]'],
  ])("lives on after %s, and so does the connection", async (_, packet) => {
    const before = received.length;
    await hearAfter(packet, packet);
    expect(received.length).toBe(before + 1);
  });

  it("ends the connection whose command waited in vain, and no other", async () => {
    const before = received.length;
    const heard = await hearAfter('2/test,7["wait in vain"]');
    expect(heard).toEqual([expect.stringContaining("SLOW_CONSUMER"), "41/test,"]);
    await hearAfter();
    expect(received.length).toBe(before + 2);
  });

  it("answers a malformed command where an answer was asked for", async () => {
    expect(await hearAfter('2/test,5[7,"x"]', '2/test,6["none"]')).toEqual([
      '43/test,5[{"refused":"BAD_REQUEST"}]',
      '43/test,6[{"refused":"BAD_REQUEST"}]',
    ]);
  });
});
