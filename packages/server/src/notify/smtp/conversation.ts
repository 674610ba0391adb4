/** One SMTP conversation (RFC 5321) with nodemailer's connection, and what its failures mean. */
import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { NotifyError } from "../notifier.ts";

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (`smtps:`). */
  readonly isSecure: boolean;
  readonly login: { readonly user: string; readonly pass: string } | undefined;
}

/** Ports where the URL names none: 25, and 465 for `smtps:`. */
export function serverOf(text: string): MailServer {
  const url = new URL(text);
  const isSecure = url.protocol === "smtps:";
  const login = url.username === "" ? undefined : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  const port = url.port === "" ? (isSecure ? 465 : 25) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port, isSecure, login };
}

export interface Delivery {
  readonly from: string;
  readonly to: string;
  readonly message: Buffer;
  readonly signal: AbortSignal;
}

/** Fulfils when the server has taken the message for its receiver. */
export async function converse(server: MailServer, delivery: Delivery): Promise<void> {
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.isSecure,
    // Without a login TLS is used where the server offers it; a password never goes over an open line.
    requireTLS: server.login !== undefined && !server.isSecure,
    socketCloseTimeout: 0,
    // Bounds what no signal bounds any more: the wait for the answer to QUIT.
    socketTimeout: 60_000,
  });
  /** From here on the server may take the message whatever we hear of it. */
  const progress = { isHandedOver: false };
  const broken = brokenBy(connection, delivery.signal);
  try {
    await Promise.race([talk(connection, server, delivery, progress), broken]);
    connection.quit();
  } catch (error) {
    connection.close();
    throw meaningOf(error, progress.isHandedOver);
  }
}

async function talk(
  connection: SMTPConnection,
  { login }: MailServer,
  { from, to, message }: Delivery,
  progress: { isHandedOver: boolean },
): Promise<void> {
  await step((done) => {
    connection.connect(done);
  });
  if (login !== undefined)
    await step((done) => {
      connection.login(login, done);
    });
  // Read no earlier than after the server's 354, since nobody reads before.
  const body = Readable.from(
    (function* () {
      progress.isHandedOver = true;
      yield message;
    })(),
  );
  await step((done) => {
    connection.send({ from, to: [to], size: message.length }, body, done);
  });
}

async function step(run: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/** Rejects when the connection fails by itself or time is up: the step that waits then hears nothing. */
async function brokenBy(connection: SMTPConnection, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const outOfTime = () => {
      reject(new NotifyError("passing", "the mail server did not answer in time"));
    };
    if (signal.aborted) outOfTime();
    signal.addEventListener("abort", outOfTime, { once: true });
    connection.on("error", reject);
    connection.once("end", () => {
      signal.removeEventListener("abort", outOfTime);
      // A step that knows why says so in this turn.
      setImmediate(() => {
        reject(new NotifyError("passing", "the mail server closed the connection"));
      });
    });
  });
}

/** What nodemailer adds to its errors. */
interface SmtpFault {
  readonly code?: unknown;
  /** Node's, where `code` is nodemailer's. */
  readonly originalCode?: unknown;
  readonly command?: unknown;
  readonly responseCode?: unknown;
}

/** Faults of ours or of the server's abilities: a second try meets them again. */
const PERMANENT = ["EAUTH", "EENVELOPE", "EMESSAGE", "ENOAUTH"];

function meaningOf(error: unknown, isHandedOver: boolean): NotifyError {
  const { code, originalCode = code, command, responseCode } = error as SmtpFault;
  if (typeof responseCode === "number" && responseCode >= 400) {
    const kind = responseCode >= 500 ? "permanent" : "passing";
    return new NotifyError(kind, `the mail server answered ${responseCode} to ${String(command)}`);
  }
  // The mail may be on its way; another try could be a second mail.
  if (isHandedOver) return new NotifyError("permanent", "the mail server did not say whether it took the mail", { mayHaveArrived: true });
  if (error instanceof NotifyError) return error;
  const kind = PERMANENT.includes(String(code)) ? "permanent" : "passing";
  return new NotifyError(kind, `the mail server cannot be talked to (${String(originalCode)})`);
}
