/** The fallback of contract 30-transactions against a real HTTP receiver and a real SMTP server. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { type IncomingHttpHeaders, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import WebSocket from "ws";
import { afterEach, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token, until } from "./server.ts";

const SECRET = "a secret that the receiver shares";
const SOON = { BROADTAPE_LIMIT_FRAUD_ACK_MS: "2000" };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(env: Record<string, string>): Promise<TestServer> {
  const server = await startTestServer({ env: { ...SOON, ...env } });
  closers.push(() => server.remove());
  return server;
}

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver(answers: readonly number[] = []) {
  const got: Got[] = [];
  const http = createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      response.writeHead(answers[got.length] ?? 200).end();
      got.push({ headers: request.headers, body });
    });
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  closers.push(() => http.close());
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`;
  return { got, env: { BROADTAPE_NOTIFY_WEBHOOK_URL: url, BROADTAPE_NOTIFY_WEBHOOK_SECRET: SECRET } };
}

const alert = (server: TestServer, transactionId: string, action = "BLOCK") =>
  publish(server.url, { type: "fraud.alert", data: { userId: "ann", alert: { transactionId, riskScore: 0.97, reason: "odd", action } } });

/** A device of the user's, which acknowledges everything at once. */
async function device(server: TestServer): Promise<{ acked: string[] }> {
  const query = new URLSearchParams({ token: await token({ sub: "ann" }), clientId: "phone", events: "fraud" }).toString();
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/ws/transactions?${query}`);
  closers.push(() => socket.terminate());
  const acked: string[] = [];
  let isSubscribed = false;
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { type: string; eventId: string };
    if (message.type === "subscribed") isSubscribed = true;
    if (message.type !== "fraud") return;
    socket.send(JSON.stringify({ type: "ack", eventId: message.eventId }));
    acked.push(message.eventId);
  });
  await until(() => isSubscribed);
  return { acked };
}

const transactionsOf = (got: readonly Got[]) =>
  got.map(({ body }) => (JSON.parse(body) as { alert: { transactionId: string } }).alert.transactionId);

it("posts, signed, what no device has acknowledged, and nothing else", async () => {
  const { got, env } = await receiver([503]);
  const server = await start(env);
  const { acked } = await device(server);
  await alert(server, "seen");
  await until(() => acked[0]);
  await alert(server, "allowed", "ALLOWED");
  await server.kill("SIGTERM");
  const again = await server.restart();
  closers.push(() => again.remove());
  await alert(again, "unseen", "REVIEW");
  // The first try is answered with 503.
  await until(() => got.length >= 2);
  expect(transactionsOf(got)).toEqual(["unseen", "unseen"]);
  const [first, second] = got;
  const signature = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(second?.headers["broadtape-signature"]));
  expect(signature?.[2]).toBe(createHmac("sha256", SECRET).update(`${signature?.[1]}.${second?.body}`).digest("hex"));
  expect(second?.headers["idempotency-key"]).toMatch(/^EV-[0-9a-f]{16}$/);
  expect(second?.headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
  const notices = async (permissions: readonly string[]) => {
    const authorization = `Bearer ${await token({ sub: "op", permissions })}`;
    return fetch(`${again.url}/api/v1/notices?limit=5`, { headers: { authorization } });
  };
  expect((await notices([])).status).toBe(403);
  const { notices: outcomes } = (await (await notices(["stream:admin"])).json()) as { notices: object[] };
  expect(outcomes).toEqual([
    {
      eventId: second?.headers["idempotency-key"],
      userId: "ann",
      kind: "webhook",
      status: "sent",
      attempts: 2,
      lastError: expect.any(String),
      claimedAt: expect.any(String),
      doneAt: expect.any(String),
    },
  ]);
});

it("tells once what a killed server still owed, and not again", async () => {
  const { got, env } = await receiver();
  const server = await start({ ...env, BROADTAPE_LIMIT_FRAUD_ACK_MS: "600000" });
  await alert(server, "owed");
  await server.kill("SIGKILL");
  const second = await server.restart(SOON);
  await until(() => got.length >= 1);
  await until(async () => (await (await fetch(`${second.url}/metrics`)).text()).includes('broadtape_notices{outcome="sent"} 1'));
  await second.kill("SIGKILL");
  const third = await second.restart(SOON);
  closers.push(() => third.remove());
  await until(async () => (await (await fetch(`${third.url}/metrics`)).text()).includes('broadtape_notices{outcome="repeated"} 1'));
  expect(transactionsOf(got)).toEqual(["owed"]);
});

it("sends mail in a real conversation", async () => {
  const mails: { to: string[]; text: string }[] = [];
  const smtp = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    onData(stream, session, done) {
      let text = "";
      stream.on("data", (data: Buffer) => (text += data.toString()));
      stream.on("end", () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        done();
      });
    },
  });
  smtp.listen(0, "127.0.0.1");
  await once(smtp.server, "listening");
  closers.push(() => new Promise<void>((resolve) => smtp.close(() => resolve())));
  const { port } = smtp.server.address() as AddressInfo;
  const server = await start({
    BROADTAPE_NOTIFY_SMTP_URL: `smtp://127.0.0.1:${port}`,
    BROADTAPE_NOTIFY_FROM: "Broadtape <alerts@bank.example>",
    BROADTAPE_NOTIFY_TO: "{userId}@bank.example",
  });
  await alert(server, "t1");
  await until(() => mails[0]);
  expect(mails[0]?.to).toEqual(["ann@bank.example"]);
  expect(mails[0]?.text).toContain("EV-");
});
