/** Publishing by NATS request and reply: another door of the one way through the house, with HTTP's answers (decision 0009). */
import { Match, type Msg } from "@nats-io/transport-node";
import type { Identity } from "@broadtape/protocol/identity";
import type { Engine } from "../../engine/engine.ts";
import { BadBody } from "../body.ts";
import type { ConnectionLog, Gate } from "../gate.ts";
import { correlationIdOf } from "../peer.ts";
import { checkRight, essenceOf, EVENT_TYPES, parseEvents, publishAs } from "../publishing.ts";
import { httpError } from "../reason-phrase.ts";
import { type Refused, refusedOf } from "../refused.ts";
import { acceptance, answerBytesOf, type NatsAnswer, refusal } from "./answers.ts";

export interface NatsPublishingOptions {
  readonly engine: Pick<Engine, "publish" | "meter">;
  readonly gate: Pick<Gate, "authenticate">;
  readonly limits: {
    /** Of one request's body. */
    readonly eventBodyBytes: number;
    /** Of all requests that are not answered yet. */
    readonly natsWaitingBytes: number;
  };
  /** By whichever connection there is now: an answer outlives the one that its request came by. */
  readonly answer: (reply: string, answer: NatsAnswer) => void;
  readonly log: Pick<ConnectionLog, "error">;
  /** What a request needs is away; each request that hears of it tells it. */
  readonly onOutage: (error: unknown) => void;
}

/** Plain numbers; `operations/metrics.ts` reads them at a scrape. */
export interface NatsPublishingMeter {
  /** By status code. */
  readonly answered: Map<number, number>;
  /** Messages that name nowhere to answer to: they are not published, since nobody would learn of a refusal. */
  unanswerable: number;
  /** Bytes of requests that are not answered yet. */
  waitingBytes: number;
}

/** As which a small request counts: what it costs besides its body. */
const LEAST_BYTES = 2048;

const BUSY: Refused = { body: httpError(503, "too many publishing requests wait"), retryAfterSeconds: 1, isFault: false, isOutage: false };

export class NatsPublishing {
  readonly meter: NatsPublishingMeter = { answered: new Map(), unanswerable: 0, waitingBytes: 0 };
  readonly #options: NatsPublishingOptions;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: NatsPublishingOptions) {
    this.#options = options;
  }

  /** Never throws. `mostBytes`: what NATS takes as one message. */
  take(request: Msg, mostBytes: number): void {
    const { reply } = request;
    if (reply === undefined || !isReply(reply)) {
      this.meter.unanswerable += 1;
      return;
    }
    const bytes = Math.max(LEAST_BYTES, request.data.length);
    if (this.meter.waitingBytes + bytes > this.#options.limits.natsWaitingBytes) {
      this.#answer(reply, refusal(BUSY, correlationIdIn(request), mostBytes));
      return;
    }
    this.meter.waitingBytes += bytes;
    const work = this.#publish(request, mostBytes).then((answer) => {
      this.#underWay.delete(work);
      this.meter.waitingBytes -= bytes;
      this.#answer(reply, answer);
    });
    this.#underWay.add(work);
  }

  /** Resolves when everything that was taken is answered. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Never rejects. */
  async #publish(request: Msg, mostBytes: number): Promise<NatsAnswer> {
    const { engine, gate, log, onOutage } = this.#options;
    const correlationId = correlationIdIn(request);
    let publisher: Identity | undefined;
    try {
      publisher = await gate.authenticate({ headers: { authorization: headerOf(request, "Authorization") } });
      checkRight(publisher);
      const events = this.#eventsOf(request, mostBytes);
      return acceptance(await publishAs(engine, publisher, correlationId, events), correlationId);
    } catch (error) {
      const refused = refusedOf(error);
      if (refused.isOutage) onOutage(error);
      if (refused.isFault) log.error({ err: error, correlationId }, "request failed");
      if (publisher !== undefined) {
        const { tenant, userId } = publisher;
        engine.meter.witness.refused({ tenant, userId, correlationId, events: undefined, error });
      }
      return refusal(refused, correlationId, mostBytes);
    }
  }

  #eventsOf(request: Msg, mostBytes: number): readonly unknown[] {
    const contentType = headerOf(request, "Content-Type") ?? "application/json";
    const type = essenceOf(contentType);
    if (!EVENT_TYPES.some((known) => known === type)) throw new BadBody("Unsupported Media Type", 415);
    if (request.data.length > this.#options.limits.eventBodyBytes) throw new BadBody("Request body is too large", 413);
    const events = parseEvents(type, request.data);
    if (answerBytesOf(events) > mostBytes)
      throw new BadBody(`the answer to ${events.length} events would not fit into a message of ${mostBytes} bytes`, 413);
    return events;
  }

  #answer(reply: string, answer: NatsAnswer): void {
    this.meter.answered.set(answer.statusCode, (this.meter.answered.get(answer.statusCode) ?? 0) + 1);
    this.#options.answer(reply, answer);
  }
}

/** The publisher chooses where he is answered: not on the nodes' own subjects, and not on the server's. */
function isReply(subject: string): boolean {
  return subject !== "" && !subject.startsWith("broadtape.") && !subject.startsWith("$");
}

function correlationIdIn(request: Msg): string {
  return correlationIdOf({ headers: { "x-correlation-id": headerOf(request, "X-Correlation-ID") } });
}

function headerOf({ headers }: Msg, name: string): string | undefined {
  return headers?.values(name, Match.IgnoreCase)[0];
}
