import type { AddressInfo } from "node:net";
import { createServer as createTcpServer, type Server } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Notice, NotifyError } from "../notifier.ts";
import { addressesBy, createSmtpNotifier } from "./smtp.ts";

/** Of localhost, for these tests, until 2120; no server has it. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBzWkjpeEVgAEpc3u
lp3TCS3YHKWw8LMc0MYmqJBsyYuhRANCAATQuWKaBCWBHpdS+Rt2eHmG5IEcUnPI
i4nCnbFO5cNAx40S04KTt4y4MatJBSeerdH0iY5Xg85fSg+8xRzwNbjw
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNC5YpoEJYEel1L5
G3Z4eYbkgRxSc8iLicKdsU7lw0DHjRLTgpO3jLgxq0kFJ56t0fSJjleDzl9KD7zF
HPA1uPCjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBQJvYf/cY0yAlUwIBrJQ1O9IuYIYjAKBggqhkjOPQQD
AgNIADBFAiBiQNF/bXrjeSyiTrx3VOjwnVwA2+MZ7uSeGNQy/cJdZAIhAKD5473r
GKPzAF7iJ22Kvgi5t2Q3K5oUXPBTK2PjWQYL
-----END CERTIFICATE-----`;

const NOW = 1_700_000_123_456;
const notice: Notice = {
  idempotencyKey: "EV-0001000000000001",
  tenant: "acme",
  userId: "ann",
  eventId: "EV-0001000000000001",
  type: "fraud.alert",
  storedAt: 1_700_000_000_000,
  alert: '{"transactionId":"t-1","amount":50000.00,"reason":"card 4111","action":"BLOCK"}',
};

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly isSecure: boolean;
  readonly head: string;
  readonly body: string;
}

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A mail server on a port of its own, and the mails it took. */
async function mailServer(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    key: KEY,
    cert: CERTIFICATE,
    closeTimeout: 10,
    onAuth: ({ username, password }, _, done) => {
      if (password === "p@ss") done(null, { user: username ?? "" });
      else done(new Error("no"));
    },
    onData: (stream, { envelope, user, secure }, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const [head = "", ...body] = Buffer.concat(chunks).toString().split("\r\n\r\n");
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ from, to, user: user as string | undefined, isSecure: secure, head, body: body.join("\r\n\r\n") });
        done();
      });
    },
    ...options,
  });
  // A client that trusts nobody hangs up; that is its error, which the tests look at.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.close();
  });
  return { mails, port: portOf(server.server) };
}

/** A server that answers what `script` says to each line, and closes on `end`. */
async function rawServer(greeting: string, script: (line: string) => string | undefined) {
  const lines: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    ends.push(() => socket.destroy());
    socket.write(`${greeting}\r\n`);
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().split("\r\n").slice(0, -1)) {
        lines.push(line);
        const answer = script(line);
        if (answer === "end") socket.destroy();
        else if (answer !== undefined) socket.write(`${answer}\r\n`);
      }
    });
  });
  ends.push(() => {
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { lines, port: portOf(server) };
}

/** All well up to the end of the message, which gets this answer. */
const untilEndOfMessage = (answer: string | undefined) => (line: string) => {
  if (line.startsWith("DATA")) return "354 go on";
  if (line === ".") return answer;
  return /^(EHLO|MAIL|RCPT)/.test(line) ? "250 ok" : undefined;
};

const notifierFor = (url: string, addressOf = addressesBy("{userId}@bank.example")) =>
  createSmtpNotifier({ url, from: { name: "Fraud desk", address: "alerts@broadtape.example" }, addressOf, clock: { now: () => NOW } });

const noLimit = () => new AbortController().signal;

async function errorOf(sending: Promise<void>): Promise<NotifyError> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NotifyError)) throw new Error("it was sent, or failed otherwise", { cause: error });
  return error;
}

const refusing = (responseCode: number) => Object.assign(new Error("no"), { responseCode });

describe("mail", () => {
  it("goes to the user's address by the rule, and names the event and nothing of it", async () => {
    const { mails, port } = await mailServer();
    await notifierFor(`smtp://127.0.0.1:${port}`).send(notice, noLimit());
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({ from: "alerts@broadtape.example", to: ["ann@bank.example"], user: undefined });
    const head = mails[0]?.head.split("\r\n");
    expect(head).toContain("From: Fraud desk <alerts@broadtape.example>");
    expect(head).toContain("To: ann@bank.example");
    expect(head).toContain("Subject: Alert about a transaction on your account");
    expect(head).toContain("Date: Tue, 14 Nov 2023 22:15:23 +0000");
    expect(head).toContain("Auto-Submitted: auto-generated");
    expect(mails[0]?.body).toContain("Reference: EV-0001000000000001");
    expect(mails[0]?.body).toContain("Raised at: 2023-11-14T22:13:20.000Z");
    expect(mails[0]?.body).not.toMatch(/50000|4111|t-1|BLOCK/);
  });

  it("has the same Message-ID for the same event, another one for another", async () => {
    const { mails, port } = await mailServer();
    const notifier = notifierFor(`smtp://127.0.0.1:${port}`);
    const other = { ...notice, eventId: "EV-2", idempotencyKey: "EV-2" };
    for (const each of [notice, notice, other]) await notifier.send(each, noLimit());
    const ids = mails.map(({ head }) => /^Message-ID: (<[0-9a-f]{40}@broadtape\.example>)$/m.exec(head)?.[1]);
    expect(ids[0]).toBeDefined();
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it.each([
    "ann\r\nBcc: eve@evil.example",
    "ann@evil.example",
    "ann@evil.example,bob",
    "ann%evil.example",
    "evil.example!ann",
    '"ann"',
    "<ann>",
    "a b",
    "ünïcode",
    ".ann",
    "a".repeat(65),
    "{tenant}@x.example, y",
    "",
  ])("is not sent where the user id %j makes no address", async (userId) => {
    const { mails, port } = await mailServer();
    const error = await errorOf(notifierFor(`smtp://127.0.0.1:${port}`).send({ ...notice, userId }, noLimit()));
    expect(error).toMatchObject({ code: "permanent", message: "the user has no mail address" });
    expect(mails).toEqual([]);
  });

  it("is not sent to what a directory gives that is no single address", async () => {
    const { mails, port } = await mailServer();
    for (const found of [undefined, "ann@bank.example, eve@evil.example", "ann@bank.example\r\nRCPT TO:<eve@evil.example>"]) {
      const notifier = notifierFor(`smtp://127.0.0.1:${port}`, async () => Promise.resolve(found));
      expect(await errorOf(notifier.send(notice, noLimit()))).toMatchObject({ code: "permanent" });
    }
    expect(mails).toEqual([]);
  });

  it("goes to user ids that are addresses, to tenants' domains, to one desk", async () => {
    const { mails, port } = await mailServer();
    for (const rule of ["{userId}", "{tenant}-fraud@bank.example", "fraud@{tenant}.example"])
      await notifierFor(`smtp://127.0.0.1:${port}`, addressesBy(rule)).send({ ...notice, userId: "ann@home.example" }, noLimit());
    expect(mails.flatMap(({ to }) => to)).toEqual(["ann@home.example", "acme-fraud@bank.example", "fraud@acme.example"]);
  });

  it.each([421, 450, 451, 452])("may be tried again after %i", async (code) => {
    const { port } = await mailServer({
      onRcptTo: (_, __, done) => {
        done(refusing(code));
      },
    });
    const error = await errorOf(notifierFor(`smtp://127.0.0.1:${port}`).send(notice, noLimit()));
    expect(error).toMatchObject({ code: "passing", mayHaveArrived: false });
    expect(error.message).toMatch(new RegExp(`^the mail server answered ${code} to (RCPT TO|CONN)$`));
  });

  it.each([550, 552, 554])("is not tried again after %i", async (code) => {
    const { port } = await mailServer({
      onRcptTo: (_, __, done) => {
        done(refusing(code));
      },
    });
    const error = await errorOf(notifierFor(`smtp://127.0.0.1:${port}`).send(notice, noLimit()));
    expect(error).toMatchObject({ code: "permanent", mayHaveArrived: false, message: `the mail server answered ${code} to RCPT TO` });
  });

  it("was surely not sent where the message itself was refused", async () => {
    for (const [answer, code] of [
      ["451 later", "passing"],
      ["554 never", "permanent"],
    ] as const) {
      const { port } = await rawServer("220 raw", untilEndOfMessage(answer));
      const error = await errorOf(notifierFor(`smtp://127.0.0.1:${port}`).send(notice, noLimit()));
      expect(error).toMatchObject({ code, mayHaveArrived: false });
    }
  });

  it("is not sent again where the server did not say whether it took it", async () => {
    const { port } = await rawServer("220 raw", untilEndOfMessage("end"));
    const error = await errorOf(notifierFor(`smtp://127.0.0.1:${port}`).send(notice, noLimit()));
    expect(error).toMatchObject({ code: "permanent", mayHaveArrived: true });
    const silent = await rawServer("220 raw", untilEndOfMessage(undefined));
    const cut = new AbortController();
    const sending = errorOf(notifierFor(`smtp://127.0.0.1:${silent.port}`).send(notice, cut.signal));
    await expect.poll(() => silent.lines.at(-1)).toBe(".");
    cut.abort();
    expect(await sending).toMatchObject({ code: "permanent", mayHaveArrived: true });
  });

  it("may be tried again when nobody listens, when the server hangs up, and when it says nothing", async () => {
    const gone = await mailServer();
    ends.pop()?.();
    expect(await errorOf(notifierFor(`smtp://127.0.0.1:${gone.port}`).send(notice, noLimit()))).toMatchObject({
      code: "passing",
      mayHaveArrived: false,
      message: "the mail server cannot be talked to (ECONNREFUSED)",
    });
    const hangingUp = await rawServer("220 raw", (line) => (line.startsWith("EHLO") ? "250 ok" : "end"));
    expect(await errorOf(notifierFor(`smtp://127.0.0.1:${hangingUp.port}`).send(notice, noLimit()))).toMatchObject({
      code: "passing",
      mayHaveArrived: false,
    });
    const silent = await rawServer("220 raw", () => undefined);
    const cut = new AbortController();
    const sending = errorOf(notifierFor(`smtp://127.0.0.1:${silent.port}`).send(notice, cut.signal));
    await expect.poll(() => silent.lines.length).toBe(1);
    cut.abort();
    expect(await sending).toMatchObject({ code: "passing", mayHaveArrived: false, message: "the mail server did not answer in time" });
  });

  it("is not begun when its time is up before", async () => {
    const { mails, port } = await mailServer();
    expect(await errorOf(notifierFor(`smtp://127.0.0.1:${port}`).send(notice, AbortSignal.abort()))).toMatchObject({
      code: "passing",
      mayHaveArrived: false,
    });
    expect(mails).toEqual([]);
  });
});

describe("mail over TLS", () => {
  it("is not sent to a server that cannot prove who it is", async () => {
    const { mails, port } = await mailServer({ secure: true });
    const error = await errorOf(notifierFor(`smtps://localhost:${port}`).send(notice, noLimit()));
    expect(error).toMatchObject({ code: "passing", mayHaveArrived: false });
    expect(mails).toEqual([]);
  });

  it("gives no password to a server without TLS", async () => {
    const { port, lines } = await rawServer("220 raw", (line) => {
      if (line.startsWith("EHLO")) return "250-raw\r\n250 AUTH PLAIN LOGIN";
      return line === "STARTTLS" ? "502 no" : "235 ok";
    });
    const error = await errorOf(notifierFor(`smtp://bank:p%40ss@127.0.0.1:${port}`).send(notice, noLimit()));
    expect(error.mayHaveArrived).toBe(false);
    expect(lines.filter((line) => line.startsWith("AUTH"))).toEqual([]);
  });

  describe("with a certificate that is trusted", () => {
    beforeAll(() => {
      const before = getCACertificates("default");
      setDefaultCACertificates([...before, CERTIFICATE]);
      return () => {
        setDefaultCACertificates(before);
      };
    });

    it.each([
      ["smtps", { secure: true }],
      ["smtp", { hideSTARTTLS: false }],
    ])("%s: logs in and sends", async (protocol, options) => {
      const { mails, port } = await mailServer({ ...options, authOptional: false });
      await notifierFor(`${protocol}://bank:p%40ss@localhost:${port}`).send(notice, noLimit());
      expect(mails).toMatchObject([{ user: "bank", isSecure: true, to: ["ann@bank.example"] }]);
    });

    it("is not tried again where the login is refused, and does not tell it", async () => {
      const { mails, port } = await mailServer({ secure: true });
      const error = await errorOf(notifierFor(`smtps://bank:wrong-word@localhost:${port}`).send(notice, noLimit()));
      expect(error).toMatchObject({ code: "permanent", mayHaveArrived: false });
      expect(error.message).toBe("the mail server answered 535 to AUTH PLAIN");
      expect(mails).toEqual([]);
    });

    it("is encrypted without a login too, where the server can", async () => {
      const { mails, port } = await mailServer({ hideSTARTTLS: false });
      await notifierFor(`smtp://localhost:${port}`).send(notice, noLimit());
      expect(mails).toMatchObject([{ isSecure: true }]);
    });
  });
});
