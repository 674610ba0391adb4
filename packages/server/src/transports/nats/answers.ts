/** What a publisher is answered over NATS: HTTP's bodies, and its status as services of NATS tell theirs (ADR-32). */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { PublishAnswer } from "@broadtape/protocol/event";
import { httpError } from "../reason-phrase.ts";
import type { Refused } from "../refused.ts";

export interface NatsAnswer {
  readonly statusCode: number;
  readonly headers: MsgHdrs;
  readonly body: Uint8Array;
}

/** Room for an answer's headers, which count as part of the message. */
const HEADER_BYTES = 512;
/** Of a result without its id. */
const RESULT_BYTES = 144;
/** Of an id that the server makes. */
const OWN_ID_BYTES = 38;

/** At most what the answer to these events takes, before anybody looked into them. */
export function answerBytesOf(events: readonly unknown[]): number {
  let bytes = HEADER_BYTES;
  for (const event of events) {
    const id = typeof event === "object" && event !== null && "id" in event ? event.id : undefined;
    bytes += RESULT_BYTES + (typeof id === "string" ? Buffer.byteLength(JSON.stringify(id)) : OWN_ID_BYTES);
  }
  return bytes;
}

export function acceptance(answer: PublishAnswer, correlationId: string): NatsAnswer {
  return { statusCode: 200, headers: headersOf(correlationId), body: Buffer.from(JSON.stringify(answer)) };
}

/** The first of the faults where a message cannot hold all. */
export function refusal({ body, retryAfterSeconds }: Refused, correlationId: string, mostBytes: number): NatsAnswer {
  const own = headersOf(correlationId);
  own.set("Nats-Service-Error", body.error);
  own.set("Nats-Service-Error-Code", String(body.statusCode));
  if (retryAfterSeconds !== undefined) own.set("Retry-After", String(retryAfterSeconds));
  for (let { errors = [] } = body; ; errors = errors.slice(0, errors.length / 2)) {
    const bytes = Buffer.from(JSON.stringify(errors.length === 0 ? withoutFaults(body) : { ...body, errors }));
    if (errors.length === 0 || bytes.length + HEADER_BYTES <= mostBytes) return { statusCode: body.statusCode, headers: own, body: bytes };
  }
}

function withoutFaults({ statusCode, message }: Refused["body"]) {
  return httpError(statusCode, message);
}

function headersOf(correlationId: string): MsgHdrs {
  const own = headers();
  own.set("Content-Type", "application/json; charset=utf-8");
  own.set("X-Correlation-ID", correlationId);
  return own;
}
