/** How fresh what a panel shows is: derived from its connection, its events and its resyncs. Pure. */
import type { ConnectionStatus } from "@broadtape/client";
import { clockTime } from "../wallet/clock-time.ts";

export interface Freshness {
  readonly state: "live" | "resuming" | "resynced" | "stale";
  /** Milliseconds since the epoch: nothing on the screen is known to be true since then. */
  readonly staleSince: number | undefined;
  readonly behindMs: number;
  /** What came between a cut and being live again; undefined before the first cut. */
  readonly caughtUp: { readonly events: number; readonly at: number } | undefined;
  /** When what was missed could not be told: it is in a state that replaced what was shown. */
  readonly resyncedAt: number | undefined;
  /** Why nothing more comes. */
  readonly ended: string | undefined;
}

/** What a {@link Freshness} is made of. */
export interface Course {
  readonly status: ConnectionStatus;
  /** It was live before: what comes while it is not is caught up on. */
  readonly wasLive: boolean;
  /** Since the cut. */
  readonly events: number;
  readonly isResynced: boolean;
  readonly caughtUp: Freshness["caughtUp"];
  readonly resyncedAt: number | undefined;
  readonly refusal: string | undefined;
}

export const FIRST_COURSE: Omit<Course, "status"> = {
  wasLive: false,
  events: 0,
  isResynced: false,
  caughtUp: undefined,
  resyncedAt: undefined,
  refusal: undefined,
};

/** So long a resync is the first thing that is said. */
export const RESYNCED_MS = 8000;

export type Happening =
  | { readonly type: "status"; readonly status: ConnectionStatus }
  | { readonly type: "event" | "resync" }
  | { readonly type: "refused"; readonly reason: string | undefined };

/** The course after something happened. The same object where it changes nothing. */
export function advance(course: Course, happening: Happening, now: number): Course {
  switch (happening.type) {
    case "status":
      return withStatus(course, happening.status, now);
    case "event":
      return course.wasLive && course.status.state !== "live" ? { ...course, events: course.events + 1 } : course;
    case "resync":
      // Told while it catches up, and also while it is live: the server may give up on a connection that is far behind.
      return course.status.state === "live" ? { ...course, resyncedAt: now } : { ...course, isResynced: true };
    case "refused":
      return course.refusal === happening.reason ? course : { ...course, refusal: happening.reason };
  }
}

function withStatus(course: Course, status: ConnectionStatus, now: number): Course {
  const isLive = status.state === "live";
  const wasLive = course.status.state === "live";
  if (isLive && !wasLive && course.wasLive) {
    const resyncedAt = course.isResynced ? now : undefined;
    return { ...course, status, isResynced: false, caughtUp: { events: course.events, at: now }, resyncedAt };
  }
  if (!isLive && wasLive) return { ...course, status, wasLive: true, events: 0, isResynced: false };
  return { ...course, status, wasLive: course.wasLive || isLive };
}

export function freshnessOf(course: Course, now: number): Freshness {
  const { status, caughtUp, resyncedAt, refusal } = course;
  return {
    state: stateOf(course, now),
    staleSince: status.staleSince,
    behindMs: status.behindMs,
    caughtUp: status.state === "live" ? caughtUp : { events: course.events, at: now },
    resyncedAt,
    ended: refusal ?? (status.state === "closed" ? (status.reason ?? "closed") : undefined),
  };
}

function stateOf({ status, resyncedAt, refusal }: Course, now: number): Freshness["state"] {
  if (refusal !== undefined) return "stale";
  switch (status.state) {
    case "live":
      return resyncedAt !== undefined && now - resyncedAt < RESYNCED_MS ? "resynced" : "live";
    case "connecting":
    case "resuming":
      return "resuming";
    case "stale":
    case "closed":
      return "stale";
  }
}

/** In words: the state first. */
export function wordsOf(freshness: Freshness): string {
  const { state, staleSince, behindMs, caughtUp, resyncedAt, ended } = freshness;
  const since = staleSince === undefined ? "" : ` since ${clockTime(staleSince)}`;
  switch (state) {
    case "live":
    case "resynced":
      return [
        state,
        ...(behindMs > 0 ? [`${Math.round(behindMs)} ms behind`] : []),
        ...(caughtUp === undefined ? [] : [`caught up on ${countOf(caughtUp.events)} at ${clockTime(caughtUp.at)}`]),
        ...(resyncedAt === undefined ? [] : [`resynced at ${clockTime(resyncedAt)}: what was missed is in the state alone`]),
      ].join(" · ");
    case "resuming":
      return staleSince === undefined ? "resuming · connecting" : `resuming · stale${since} · ${countOf(caughtUp?.events ?? 0)} so far`;
    case "stale":
      return ended === undefined ? `stale${since}` : `stale${since} · ${ended}`;
  }
}

function countOf(events: number): string {
  return `${events} event${events === 1 ? "" : "s"}`;
}
