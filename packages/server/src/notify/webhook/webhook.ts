/**
 * The notifier that posts to a URL.
 *
 * What its receiver does:
 * - `Broadtape-Signature: t=<seconds>,v1=<hex>`: computes HMAC-SHA256 of `<seconds>.<body as received>` under the shared
 *   secret, compares in constant time, and refuses a `t` that is more than five minutes from its own clock, against replay.
 * - `Idempotency-Key` (in the body, which is signed, as `idempotencyKey`): answers a key that it knows with 200 and does nothing.
 * - Answers 2xx once it has kept the notice. 429 and 5xx are tried again, not before `Retry-After`; every other answer, a
 *   redirect too, ends the notice as failed.
 */
import { createHmac } from "node:crypto";
import { type Clock, isoTime } from "../../engine/clock.ts";
import { type Notice, type Notifier, NotifyError } from "../notifier.ts";
import { retryAfterOf } from "./retry-after.ts";

export interface WebhookOptions {
  /** User and password in it become a header. */
  readonly url: string;
  readonly secret: string;
  readonly clock: Pick<Clock, "now">;
}

export function createWebhookNotifier({ url, secret, clock }: WebhookOptions): Notifier {
  const target = targetOf(url);
  return {
    kind: "webhook",
    async send(notice, signal) {
      const body = bodyOf(notice);
      const headers = {
        ...target.headers,
        "content-type": "application/json",
        "user-agent": "Broadtape",
        "idempotency-key": headerSafe(notice.idempotencyKey),
        "broadtape-signature": sign(body, Math.floor(clock.now() / 1000), secret),
      };
      const response = await post(target.url, { body, headers, signal });
      if (!response.ok) throw refusalOf(response, clock.now());
    },
  };
}

interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `fetch` refuses a URL with a login in it. */
function targetOf(text: string): Target {
  const url = new URL(text);
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const headers = login === ":" ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  return { url: url.href, headers };
}

/** The alert goes in as it is: through `JSON.parse` its digits would change. */
function bodyOf({ idempotencyKey, type, tenant, userId, eventId, storedAt, alert }: Notice): string {
  const envelope = JSON.stringify({ idempotencyKey, type, tenantId: tenant, userId, eventId, storedAt: isoTime(storedAt) });
  return `${envelope.slice(0, -1)},"alert":${alert}}`;
}

function headerSafe(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new NotifyError("permanent", "the idempotency key cannot stand in a header");
}

function sign(body: string, seconds: number, secret: string): string {
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}

interface Post {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

async function post(url: string, { body, headers, signal }: Post): Promise<Response> {
  try {
    const response = await fetch(url, { method: "POST", redirect: "manual", body, headers, signal });
    // The status says all: the body, which may have no end, is not read, and how that goes changes nothing.
    void response.body?.cancel().catch(() => undefined);
    return response;
  } catch (error) {
    const code = codeOf(error);
    const why = signal.aborted ? "it did not answer in time" : `the connection failed (${code})`;
    throw new NotifyError("passing", why, { mayHaveArrived: !NOT_SENT.test(code) });
  }
}

/** Codes of Node and of `fetch` for what ends before a request can be written. */
const NOT_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$|CERT|VERIFY/;

/** `fetch` rejects with a TypeError whose cause is Node's error. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "no code";
}

function refusalOf({ status, headers }: Response, now: number): NotifyError {
  const isPassing = status >= 500 || status === 429;
  const retryAfterMs = retryAfterOf(headers.get("retry-after"), now);
  return new NotifyError(isPassing ? "passing" : "permanent", `it answered ${status}`, { retryAfterMs });
}
