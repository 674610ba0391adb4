/** The envelope: an event as publishers send it (CloudEvents 1.0, contract 00-common "Publishing") and as the log keeps it. */
import { z } from "zod";
import type { Offset } from "./event-id.ts";
import { nameOf } from "./identity.ts";

/** Levels of an event's data. Below what can be parsed, so that whatever wraps it can be read too, and after a restart still. */
export const MAX_DATA_DEPTH = 64;

/** What CloudEvents calls a String. Half of a pair cannot be written as UTF-8: two such texts would be one in the log. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed(), "must hold no half of a surrogate pair");

/**
 * One published event before its `data` is checked against its type. Attributes that the contract does not name are
 * allowed, as CloudEvents allows extensions, and are not kept.
 */
export const eventEnvelope = z.looseObject({
  specversion: z.literal("1.0").optional(),
  type: text(128),
  data: z.unknown().refine((data) => data !== undefined, "is required"),
  id: text(256).optional(),
  source: text(1024).optional(),
  time: z.iso.datetime({ offset: true, error: "must be an RFC 3339 time" }).optional(),
  subject: text(1024).optional(),
  tenantid: nameOf(128).optional(),
  correlationid: z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 visible ASCII characters")
    .optional(),
  datacontenttype: z
    .string()
    .regex(/^application\/(json|[\w.-]+\+json)\s*(;.*)?$/i, "must be a JSON type")
    .optional(),
  data_base64: z.undefined({ error: "binary data is not taken: send `data`" }).optional(),
});

/** An event as a publisher gives it, in process or over HTTP. */
export interface PublishedEvent {
  readonly type: string;
  readonly data: unknown;
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly time?: string | undefined;
  readonly subject?: string | undefined;
  readonly tenantid?: string | undefined;
  readonly correlationid?: string | undefined;
}

/** Everything of a stored event that is known before the log gives it a place. */
export interface EventRecord {
  readonly tenant: string;
  readonly type: string;
  readonly source: string;
  readonly id: string;
  /** When it happened: RFC 3339, as published. */
  readonly time: string;
  readonly subject: string | undefined;
  readonly correlationId: string;
  /** The payload as JSON text, digits as published. */
  readonly data: string;
}

/** An event in the log. */
export interface StoredEvent extends EventRecord {
  readonly offset: Offset;
  /** Offset of the first event of the publish batch it came in. Batches are contiguous. */
  readonly batch: Offset;
  /** When the log took it: milliseconds since the epoch, never going back with growing offset. */
  readonly storedAt: number;
}

/** Answer to one published event. */
export interface PublishResult {
  readonly id: string;
  readonly eventId: string;
  readonly offset: Offset;
  /** True when the same `source` + `id` was stored before: `offset` is then the first one's. */
  readonly duplicate: boolean;
}

/** `200` body of `POST /api/v1/events`. `accepted` = events of the request that are in the log now, duplicates included. */
export interface PublishAnswer {
  readonly accepted: number;
  readonly results: readonly PublishResult[];
}
