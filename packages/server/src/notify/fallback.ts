/**
 * Watches over critical events (contract 30-transactions "Fallback"): a fraud alert that calls for a reaction and that no device of
 * its user has acknowledged in time goes to the notifier. The dispatcher sees to it that none goes twice.
 */
import { ledgerId, type Offset } from "@broadtape/protocol/event-id";
import type { StoredEvent } from "@broadtape/protocol/event";
import type { Identity } from "@broadtape/protocol/identity";
import { parseJson } from "@broadtape/protocol/json";
import type { FraudAlertData } from "@broadtape/protocol/products/transactions/schema";
import { feedMessageOf } from "@broadtape/protocol/products/transactions/words";
import { ASK_MS, type Cluster } from "../cluster/cluster.ts";
import type { Clock } from "../engine/clock.ts";
import type { Deadline, Wheel } from "../engine/wheel.ts";
import type { Log } from "../log/log.ts";
import type { KeptSubscription, ListedSubscription, SubscriptionKey } from "../registry/subscriptions.ts";
import type { Taking } from "./dispatcher.ts";
import type { Notice } from "./notifier.ts";

export interface FallbackHost {
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly log: Log;
  readonly epoch: number;
  readonly cluster: Cluster;
  onStored(hear: (stored: StoredEvent) => void): void;
  onAcked(hear: (identity: Identity, offset: Offset) => void): void;
}

export interface FallbackOptions {
  /** How long a device has for its ack. */
  readonly waitMs: number;
  readonly take: (notice: Notice) => Taking;
  readonly store: {
    subscriptionsOf(tenant: string, userId: string): Promise<readonly ListedSubscription[]>;
    findSubscription(key: SubscriptionKey): Promise<KeptSubscription | undefined>;
  };
  readonly onFault: (error: unknown) => void;
}

/** Alerts that wait for an ack at the same time; more are looked at again at the next start. */
const MAX_WAITING = 100_000;
/** Alerts that an ack came of, remembered for those that ask; beyond it the oldest is forgotten. */
const MAX_ACKED = 100_000;
const ACKED_KIND = "alert-acked";
const ACKED = "acked";
/** What the dispatcher has no room for is handed in again. */
const AGAIN_MS = 5000;
/** So far back a start looks for alerts that a server which is no more still owed, in events. */
const LOOK_BACK = 200_000;
const PAGE = 5000;

interface Alert {
  readonly stored: StoredEvent;
  readonly data: FraudAlertData;
}

export class Fallback {
  readonly #host: FallbackHost;
  readonly #options: FallbackOptions;
  /** By offset. At most {@link MAX_WAITING}. */
  readonly #waiting = new Map<Offset, Deadline>();
  /** By offset, those that had waited. */
  readonly #acked = new Set<Offset>();
  #isStopped = false;

  constructor(host: FallbackHost, options: FallbackOptions) {
    this.#host = host;
    this.#options = options;
    host.onStored((stored) => {
      const alert = alertOf(stored);
      if (alert !== undefined) this.#await(alert, options.waitMs, () => this.#askAndNotify(alert));
    });
    host.onAcked((_identity, offset) => {
      if (!this.#settle(offset)) return;
      // Who does not hear of it asks before it notifies.
      host.cluster.tell(ACKED_KIND, String(offset)).catch(() => undefined);
    });
    host.cluster.onTold(ACKED_KIND, (body) => {
      this.#settle(Number(body));
    });
    host.cluster.onAsked(ACKED_KIND, (body) => (this.#acked.has(Number(body)) ? ACKED : "waits"));
  }

  /** Alerts that wait for an ack; a metric. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Takes up what an earlier process still owed. Resolves when the newest part of the log was looked through. */
  async resume(): Promise<void> {
    const { log, clock } = this.#host;
    const { head, oldest } = log.bounds();
    let after = Math.max(oldest - 1, head - LOOK_BACK);
    for (let isComplete = false; !isComplete && !this.#isStopped;) {
      const page = await log.read({ after, until: head, limit: PAGE });
      for (const stored of page.events) {
        const alert = alertOf(stored);
        if (alert === undefined) continue;
        const wait = stored.storedAt + this.#options.waitMs - clock.now();
        this.#await(alert, Math.max(0, wait), () => {
          this.#notifyUnlessAcked(alert).catch(this.#options.onFault);
        });
      }
      after = page.upTo;
      isComplete = page.complete;
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const deadline of this.#waiting.values()) this.#host.wheel.disarm(deadline);
    this.#waiting.clear();
  }

  /** An ack came; false where it is none of an alert that waits. */
  #settle(offset: Offset): boolean {
    const deadline = this.#waiting.get(offset);
    if (deadline === undefined) return false;
    this.#host.wheel.disarm(deadline);
    this.#waiting.delete(offset);
    this.#acked.add(offset);
    const [oldest] = this.#acked;
    if (oldest !== undefined && this.#acked.size > MAX_ACKED) this.#acked.delete(oldest);
    return true;
  }

  /** Its time is up, as far as this node has heard. */
  #askAndNotify(alert: Alert): void {
    if (this.#host.cluster.others().length === 0) {
      this.#notify(alert);
      return;
    }
    // Until the others have answered an ack may still come, here or from them.
    this.#await(alert, 2 * ASK_MS, () => this.#notify(alert));
    void this.#askOthers(alert);
  }

  /** Whoever answers has told before what it had to tell. */
  async #askOthers(alert: Alert): Promise<void> {
    const { offset } = alert.stored;
    const answers = await this.#host.cluster.ask(ACKED_KIND, String(offset));
    if (!this.#waiting.has(offset)) return;
    this.#host.wheel.disarm(this.#waiting.get(offset));
    this.#waiting.delete(offset);
    if (answers.every(({ body }) => body !== ACKED)) this.#notify(alert);
  }

  #await({ stored: { offset } }: Alert, ms: number, run: () => void): void {
    if (this.#waiting.size >= MAX_WAITING) {
      this.#options.onFault(new Error(`more than ${MAX_WAITING} fraud alerts wait for an ack; the rest is looked at after the next start`));
      return;
    }
    const deadline = this.#host.wheel.arm(ms, () => {
      this.#waiting.delete(offset);
      run();
    });
    this.#waiting.set(offset, deadline);
  }

  #notify(alert: Alert): void {
    const taking = this.#options.take(this.#noticeOf(alert));
    if (taking === "refused") this.#await(alert, AGAIN_MS, () => this.#notify(alert));
  }

  /** As far as the registry knows: the acks of this process are heard as they come. */
  async #notifyUnlessAcked(alert: Alert): Promise<void> {
    const { stored, data } = alert;
    const { tenant, offset } = stored;
    for (const { clientId, events } of await this.#options.store.subscriptionsOf(tenant, data.userId)) {
      if (!events.includes("fraud")) continue;
      const kept = await this.#options.store.findSubscription({ tenant, userId: data.userId, clientId });
      if (kept !== undefined && hasAcked(kept, stored, this.#host.epoch)) return;
    }
    if (!this.#isStopped && !this.#waiting.has(offset)) this.#askAndNotify(alert);
  }

  #noticeOf({ stored, data }: Alert): Notice {
    const eventId = ledgerId(this.#host.epoch, stored.offset);
    const message = feedMessageOf(stored.type, data, { eventId, time: stored.time });
    return {
      idempotencyKey: eventId,
      tenant: stored.tenant,
      userId: data.userId,
      eventId,
      type: stored.type,
      storedAt: stored.storedAt,
      alert: JSON.stringify(message?.type === "fraud" ? message.alert : {}),
    };
  }
}

/** Those that call for a reaction: what is allowed is no news. */
function alertOf(stored: StoredEvent): Alert | undefined {
  if (stored.type !== "fraud.alert") return undefined;
  // It was checked when it was published.
  const data = parseJson(stored.data) as FraudAlertData;
  return data.alert.action === "ALLOWED" ? undefined : { stored, data };
}

function hasAcked(
  { epoch, ackedOffset, pending, subscribedAt }: KeptSubscription,
  { offset, storedAt }: StoredEvent,
  now: number,
): boolean {
  return epoch === now && ackedOffset >= offset && subscribedAt <= storedAt && !pending.some((each) => each.offset === offset);
}
