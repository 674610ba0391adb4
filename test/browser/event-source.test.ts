/** Contract 50-sse with Chromium's own EventSource; over restarts, together with the other clients that others wrote. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Server, createServer } from "node:http";
import { EventSource } from "eventsource";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { io } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBytes } from "../contract/sse-peers/byte-stream.ts";
import { type ReadEvent, STREAM_EVENTS } from "../contract/sse-peers/read-events.ts";
import { NASTY, sceneOf } from "../contract/sse-peers/scene.ts";
import { type TestServer, bestPrice, freePort, publish, startTestServer, token } from "../contract/server.ts";
import { codeOf, pageOf } from "../docs/pages.ts";
import { type Nginx, startNginx } from "../nginx.ts";
import { connectChromium, newContext } from "./browser.ts";
import { openPageSource } from "./page-source.ts";

let browser: Browser;
let server: TestServer;
/** The one that is ended and comes back. */
let restarted: TestServer;
let nginx: Nginx;
let configured: Server;
let foreign: Server;
beforeAll(async () => {
  configured = await blankPages();
  foreign = await blankPages();
  [browser, server, restarted] = await Promise.all([
    connectChromium(),
    startTestServer({ env: { BROADTAPE_CORS_ORIGINS: originOf(configured), BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000" } }),
    startTestServer(),
  ]);
  nginx = await startNginx(codeOf(pageOf("docs/operating.md"), "nginx").join("\n").replace("127.0.0.1:3000", new URL(restarted.url).host));
});
afterAll(async () => {
  await browser.close();
  await nginx.stop();
  for (const each of [server, restarted]) await each.remove();
  for (const each of [configured, foreign]) each.close();
});

/** Another site's, as far as origins go. */
async function blankPages(): Promise<Server> {
  const pages = createServer((_request, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<title>blank</title>"));
  pages.listen(await freePort(), "127.0.0.1");
  await once(pages, "listening");
  return pages;
}

function originOf(pages: Server): string {
  const address = pages.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

/** A page of that origin, in a browser that is signed in to the server. */
async function signedIn(sub: string, { url }: TestServer, origin = url): Promise<{ page: Page; context: BrowserContext }> {
  const context = await newContext(browser);
  const page = await context.newPage();
  await page.goto(`${url}/healthz`);
  const status = await page.evaluate(
    async (authorization) => (await fetch("/api/session", { method: "POST", headers: { authorization } })).status,
    `Bearer ${await token({ sub })}`,
  );
  expect(status).toBe(201);
  await page.goto(`${origin}/healthz`);
  return { page, context };
}

async function tell({ url }: TestServer, ...events: readonly object[]): Promise<void> {
  const { status, text } = await publish(url, events);
  expect({ status, text }).toMatchObject({ status: 200 });
}

const orderCreated = (userId: string, id: string) => ({
  type: "trading.order.created",
  data: {
    userId,
    order: {
      id,
      symbol: "EURUSD",
      side: "buy",
      type: "limit",
      quantity: "1.00",
      status: "new",
      filledQuantity: "0",
      createdAt: "2026-11-21T09:30:00.000Z",
    },
  },
});

/** Orders that a stream told of, one by one. */
function ordersIn(events: readonly ReadEvent[]): unknown[] {
  return events
    .filter(({ type }) => type === "order:update")
    .map(({ data }) => JSON.parse(data) as { orderId?: string; snapshot?: boolean })
    .map(({ orderId, snapshot }) => (snapshot === true ? "snapshot" : orderId));
}

function nodeSource(url: string) {
  const source = new EventSource(url);
  const heard: ReadEvent[] = [];
  for (const name of STREAM_EVENTS) {
    source.addEventListener(name, ({ type, data, lastEventId }) => heard.push({ type, data: String(data), lastEventId }));
  }
  return { heard, close: () => source.close() };
}

/** curl, which does not come back by itself: {@link again} has it come back with the last id that it read. */
async function curl(url: string) {
  const authorization = `Authorization: Bearer ${await token({ sub: "ann" })}`;
  let text = "";
  let run: ReturnType<typeof spawn> | undefined;
  let ended: Promise<unknown> | undefined;
  const again = () => {
    const frames = text.slice(0, text.lastIndexOf("\n\n"));
    const id = [...frames.matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
    text = text.slice(0, frames.length + 2);
    const after = id === undefined ? [] : ["-H", `Last-Event-ID: ${id}`];
    run = spawn("curl", ["-sN", "--compressed", "-H", authorization, ...after, url], { stdio: ["ignore", "pipe", "ignore"] });
    run.stdout?.on("data", (data: Buffer) => (text += data.toString()));
    // All that it wrote is read by then.
    ended = once(run, "close");
  };
  again();
  const orders = () => [...text.matchAll(/"snapshot":true|"orderId":"(o\d+)"/g)].map(([, id]) => id ?? "snapshot");
  return { orders, again, ended: () => ended, close: () => run?.kill() };
}

describe.concurrent("EventSource", () => {
  it("of a browser and of Node, curl and socket.io-client miss nothing over SIGTERM and kill -9, and hear nothing twice", async ({
    expect,
  }) => {
    const { page, context } = await signedIn("ann", restarted);
    const path = `/api/stream/orders`;
    const query = `?token=${await token({ sub: "ann" })}`;
    const inPage = await openPageSource(page, path);
    const direct = nodeSource(`${restarted.url}${path}${query}`);
    const proxied = nodeSource(`${nginx.url}${path}${query}`);
    const byCurl = await curl(`${restarted.url}${path}`);
    const socket = io(restarted.url, { auth: { token: await token({ sub: "ann" }) }, forceNew: true });
    const bySocket: string[] = [];
    socket.on("order:created", ({ order }: { order: { id: string } }) => bySocket.push(order.id));
    await new Promise((resolve) => socket.once("connected", () => socket.emit("subscribe", { channel: "trading" }, resolve)));

    const all = async () => [
      ordersIn(await inPage.heard()),
      ordersIn(direct.heard),
      ordersIn(proxied.heard),
      byCurl.orders(),
      ["snapshot", ...bySocket],
    ];
    const everywhere = async (...told: readonly string[]) => {
      await expect.poll(all).toEqual((await all()).map(() => ["snapshot", ...told]));
    };
    await everywhere();
    await tell(restarted, orderCreated("ann", "o1"), orderCreated("ann", "o2"));
    await everywhere("o1", "o2");

    await tell(restarted, orderCreated("ann", "o3"));
    await restarted.kill("SIGTERM");
    await byCurl.ended();
    restarted = await restarted.restart();
    await tell(restarted, orderCreated("ann", "o4"));
    byCurl.again();
    await everywhere("o1", "o2", "o3", "o4");
    await tell(restarted, orderCreated("ann", "o5"));
    await everywhere("o1", "o2", "o3", "o4", "o5");

    await tell(restarted, orderCreated("ann", "o6"));
    await restarted.kill("SIGKILL");
    await byCurl.ended();
    restarted = await restarted.restart();
    await tell(restarted, orderCreated("ann", "o7"), orderCreated("ann", "o8"));
    byCurl.again();
    await everywhere("o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8");
    expect((await inPage.heard()).filter(({ type }) => type === "connected")).toHaveLength(3);
    for (const close of [direct.close, proxied.close, byCurl.close, () => socket.close()]) close();
    await context.close();
  });

  it("of a browser reads what a publisher wrote as Node's reads it", async ({ expect }) => {
    const { page, context } = await signedIn("nasty", server);
    const part = (at: number) => NASTY.filter((_text, index) => index % 6 === at).join("");
    const { first, events, told } = sceneOf("nasty", {
      texts: [part(0), part(1), part(2), part(3), part(4), part(5)],
      details: Object.fromEntries(NASTY.map((text) => [text, text])),
      long: NASTY.join("").repeat(100),
    });
    await tell(server, first);
    const paths = [...told.keys()].filter((path) => /trading|decisions|alerts|strategies/.test(path));
    const bearer = await token({ sub: "nasty" });
    const pairs = await Promise.all(
      paths.map(async (path) => ({
        inPage: await openPageSource(page, `${path}?replay=none`),
        inNode: nodeSource(`${server.url}${path}?replay=none&token=${bearer}`),
      })),
    );
    const hear = (events: readonly ReadEvent[]) => events.filter(({ data }) => !/"clientId"|"snapshot":true/.test(data));
    for (const { inPage, inNode } of pairs) {
      const connected = async () => [...(await inPage.heard()), ...inNode.heard].filter(({ type }) => type === "connected");
      await expect.poll(connected).toHaveLength(2);
    }
    await tell(server, ...events);
    for (const { inPage, inNode } of pairs) {
      await expect.poll(() => inNode.heard.at(-1)?.type).toBe("agent:status");
      await expect.poll(async () => hear(await inPage.heard())).toEqual(hear(inNode.heard));
      inNode.close();
    }
    await context.close();
  });

  it("of another site reads prices without credentials, and orders with them from a configured origin alone", async ({ expect }) => {
    const friend = await signedIn("bea", server, originOf(configured));
    const stranger = await signedIn("bea", server, originOf(foreign));
    const [orders, prices] = ["/api/stream/orders", "/api/stream/prices?symbols=XSITE"].map((path) => `${server.url}${path}`) as [
      string,
      string,
    ];
    const heard = [
      await openPageSource(friend.page, orders, true),
      await openPageSource(friend.page, prices),
      await openPageSource(stranger.page, prices),
    ];
    const refused = [
      await openPageSource(friend.page, orders),
      await openPageSource(friend.page, prices, true),
      await openPageSource(stranger.page, orders, true),
      await openPageSource(stranger.page, prices, true),
    ];
    for (const each of heard) {
      await expect.poll(async () => (await each.heard()).map(({ type }) => type)).toContain("connected");
    }
    for (const each of refused) await expect.poll(each.readyState).toBe(2);
    await tell(server, orderCreated("bea", "x1"), { ...(JSON.parse(bestPrice("XSITE", "1", "2")) as object), tenantid: "public" });
    await expect.poll(async () => ordersIn((await heard[0]?.heard()) ?? [])).toEqual(["snapshot", "x1"]);
    await expect.poll(async () => (await heard[2]?.heard())?.at(-1)?.data).toContain('"bid":1');
    for (const each of refused) expect(await each.heard()).toEqual([]);
    for (const { context } of [friend, stranger]) await context.close();
  });

  it("that makes room for an eleventh connection of its user is told so", async ({ expect }) => {
    const { page, context } = await signedIn("crowded", server);
    const inPage = await openPageSource(page, "/api/stream/orders");
    await expect.poll(inPage.readyState).toBe(1);
    const headers = { authorization: `Bearer ${await token({ sub: "crowded" })}` };
    const others = await Promise.all(Array.from({ length: 10 }, () => openBytes(`${server.url}/api/stream/alerts`, { headers })));
    await expect.poll(async () => (await inPage.heard()).at(-1)).toMatchObject({ type: "limit" });
    expect(JSON.parse((await inPage.heard()).at(-1)?.data ?? "")).toEqual({ reason: "connections", max: 10, reconnect: false });
    for (const other of others) other.close();
    await context.close();
  });
});
