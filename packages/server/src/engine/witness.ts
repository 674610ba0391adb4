/**
 * Who hears what becomes of messages, acks, refusals and limits: operators ask it (operations/watch.ts). What is called for
 * every write or ack makes no string and no promise, and takes as long as a few stores.
 */
import type { Offset } from "@broadtape/protocol/event-id";
import type { Identity } from "@broadtape/protocol/identity";
import type { Sequence } from "./sequence.ts";

/** Whom something was written to. One object for the life of a connection. */
export interface Recipient {
  readonly connectionId: string;
  readonly tenant: string;
  readonly userId: string;
  readonly clientId: string | undefined;
  readonly surface: string;
}

/** Who asked for what was refused before there was a connection, or on none. */
export type Asker = Pick<Identity, "tenant" | "userId"> & Partial<Pick<Recipient, "connectionId" | "surface">>;

export interface RefusedPublish {
  readonly tenant: string;
  readonly userId: string;
  readonly correlationId: string;
  /** Undefined where they could not be read. */
  readonly events: readonly unknown[] | undefined;
  /** Told once of each error object, however often it is handed on. */
  readonly error: unknown;
}

export interface Witness {
  /** These were handed to the connection. `now`: on the monotonic clock. Hot path: one call a write. */
  wrote(sequence: Sequence, to: Recipient, now: number): void;
  /** Hot path: one call an ack message. */
  acked(by: Recipient, offsets: readonly Offset[], now: number): void;
  refused(publish: RefusedPublish): void;
  /** A limit was hit. `code`: of the refusal, or `PAUSED` where a lossless lane fell back on the log. */
  limited(asker: Asker, code: string, message: string): void;
}

/** Looks away. */
export const NOBODY: Witness = {
  wrote() {
    return undefined;
  },
  acked() {
    return undefined;
  },
  refused() {
    return undefined;
  },
  limited() {
    return undefined;
  },
};
