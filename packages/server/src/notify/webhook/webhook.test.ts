import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Notice, NotifyError } from "../notifier.ts";
import { createWebhookNotifier } from "./webhook.ts";

const NOW = 1_700_000_123_456;
const notice: Notice = {
  idempotencyKey: "EV-0001000000000001",
  tenant: "acme",
  userId: "ann",
  eventId: "EV-0001000000000001",
  type: "fraud.alert",
  storedAt: 1_700_000_000_000,
  alert: '{"transactionId":"t-1","amount":50000.00,"riskScore":0.910,"action":"BLOCK"}',
};

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver on a port of its own, and what it received. */
async function receiver(answer: RequestListener) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { received, origin: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const answering = (status: number, headers = {}) =>
  receiver((_, response) => {
    response.writeHead(status, headers).end();
  });

const notifierFor = (url: string) => createWebhookNotifier({ url, secret: "shared secret", clock: { now: () => NOW } });

async function errorOf(sending: Promise<void>): Promise<NotifyError> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NotifyError)) throw new Error("it was sent, or failed otherwise", { cause: error });
  return error;
}

const noLimit = () => new AbortController().signal;

describe("the webhook", () => {
  it("posts the notice with its digits as published", async () => {
    const { received, origin } = await answering(204);
    await notifierFor(`http://${origin}/hooks/fraud?key=1`).send(notice, noLimit());
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ url: "/hooks/fraud?key=1", headers: { "content-type": "application/json" } });
    expect(received[0]?.body).toBe(
      '{"idempotencyKey":"EV-0001000000000001","type":"fraud.alert","tenantId":"acme","userId":"ann","eventId":"EV-0001000000000001",' +
        '"storedAt":"2023-11-14T22:13:20.000Z","alert":{"transactionId":"t-1","amount":50000.00,"riskScore":0.910,"action":"BLOCK"}}',
    );
  });

  it("signs time and body, and names the event in Idempotency-Key", async () => {
    const { received, origin } = await answering(200);
    await notifierFor(`http://${origin}`).send(notice, noLimit());
    const signature = createHmac("sha256", "shared secret")
      .update(`1700000123.${received[0]?.body ?? ""}`)
      .digest("hex");
    expect(received[0]?.headers["broadtape-signature"]).toBe(`t=1700000123,v1=${signature}`);
    expect(received[0]?.headers["idempotency-key"]).toBe(notice.idempotencyKey);
  });

  it("sends a login of the URL as a header", async () => {
    const { received, origin } = await answering(200);
    await notifierFor(`http://bank:p%40ss@${origin}/`).send(notice, noLimit());
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from("bank:p@ss").toString("base64")}`);
  });

  it.each([500, 502, 503, 429])("may be tried again after %i, not before Retry-After", async (status) => {
    const { origin } = await answering(status, { "retry-after": "17" });
    const error = await errorOf(notifierFor(`http://${origin}`).send(notice, noLimit()));
    expect(error).toMatchObject({ code: "passing", mayHaveArrived: false, retryAfterMs: 17_000, message: `it answered ${status}` });
  });

  it.each([400, 401, 404, 410, 422])("is not tried again after %i", async (status) => {
    const { origin } = await answering(status);
    expect(await errorOf(notifierFor(`http://${origin}`).send(notice, noLimit()))).toMatchObject({
      code: "permanent",
      mayHaveArrived: false,
    });
  });

  it("follows no redirect", async () => {
    const elsewhere = await answering(200);
    for (const status of [301, 302, 307, 308]) {
      const { origin } = await answering(status, { location: `http://${elsewhere.origin}/` });
      const error = await errorOf(notifierFor(`http://${origin}`).send(notice, noLimit()));
      expect(error).toMatchObject({ code: "permanent", message: `it answered ${status}` });
    }
    expect(elsewhere.received).toEqual([]);
  });

  it("may be tried again when nobody listens, and surely did not arrive", async () => {
    const { origin } = await answering(200);
    servers.pop()?.close();
    const error = await errorOf(notifierFor(`http://secret:word@${origin}/token`).send(notice, noLimit()));
    expect(error).toMatchObject({ code: "passing", mayHaveArrived: false, message: "the connection failed (ECONNREFUSED)" });
  });

  it("may have arrived when the connection breaks without an answer", async () => {
    const { origin } = await receiver((request) => request.socket.destroy());
    expect(await errorOf(notifierFor(`http://${origin}`).send(notice, noLimit()))).toMatchObject({ code: "passing", mayHaveArrived: true });
  });

  it("ends when its time is up, and may have arrived", async () => {
    const { received, origin } = await receiver(() => undefined);
    const cut = new AbortController();
    const sending = errorOf(notifierFor(`http://${origin}`).send(notice, cut.signal));
    await expect.poll(() => received.length).toBe(1);
    cut.abort();
    expect(await sending).toMatchObject({ code: "passing", mayHaveArrived: true, message: "it did not answer in time" });
  });

  it("does not read a body without end", async () => {
    let isCut = false;
    const { origin } = await receiver((_, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(65_536);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more).on("close", () => {
        isCut = true;
      });
      more();
    });
    await notifierFor(`http://${origin}`).send(notice, noLimit());
    await expect.poll(() => isCut).toBe(true);
  });

  it("does not go out under a key that no header can hold", async () => {
    const { received, origin } = await answering(200);
    const bad = { ...notice, idempotencyKey: "EV-1\r\nx-evil: 1" };
    expect(await errorOf(notifierFor(`http://${origin}`).send(bad, noLimit()))).toMatchObject({ code: "permanent" });
    expect(received).toEqual([]);
  });
});
