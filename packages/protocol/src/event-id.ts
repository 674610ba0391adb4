/**
 * Event ids and cursors: spellings of a log offset (contract 00-common "Event ids", 70-details "ids grow").
 *
 * Both carry a mark of the log's life (epoch) beside the offset, so that resume needs no index and a cursor of another
 * life is recognised even when its offset exists again.
 *
 * - stream spelling `{milliseconds}-{suffix}`: suffix = 4 characters of epoch + 10 of offset, base 36, fixed width
 * - ledger spelling `EV-` + 16 hex digits: 4 of epoch, 12 of offset
 */

/** Position of an event in the log, from 1; 0 stands before the first event. */
export type Offset = number;

/** The mark of one life of a log: an integer in [1, {@link MAX_EPOCH}]. */
export type Epoch = number;

/** 16 bits, so that both spellings carry the whole mark. */
export const MAX_EPOCH = 0xffff;

const EPOCH_CHARS = 4;
const OFFSET_CHARS = 10;
const STREAM = /^(\d{1,15})-([0-9a-z]{4})([0-9a-z]{10})$/;
const LEDGER = /^EV-([0-9a-fA-F]{4})([0-9a-fA-F]{12})$/;

/** Ids of one surface grow with the log's order: text order of equal-length milliseconds is log order. */
export function streamId(epoch: Epoch, offset: Offset, storedAtMs: number): string {
  return `${storedAtMs}-${epoch.toString(36).padStart(EPOCH_CHARS, "0")}${offset.toString(36).padStart(OFFSET_CHARS, "0")}`;
}

/** The transactions product's spelling. */
export function ledgerId(epoch: Epoch, offset: Offset): string {
  return `EV-${epoch.toString(16).padStart(4, "0")}${offset.toString(16).padStart(12, "0")}`;
}

/** Reads either spelling; undefined for anything else, whatever its length or bytes. */
export function parseEventId(text: string): { epoch: Epoch; offset: Offset } | undefined {
  if (text.length > 64) return undefined;
  const stream = STREAM.exec(text);
  const ledger = stream === null ? LEDGER.exec(text) : null;
  const [, epochText, offsetText] = stream === null ? (ledger ?? []) : [stream[0], stream[2], stream[3]];
  if (epochText === undefined || offsetText === undefined) return undefined;
  const radix = stream === null ? 16 : 36;
  const offset = parseInt(offsetText, radix);
  return Number.isSafeInteger(offset) ? { epoch: parseInt(epochText, radix), offset } : undefined;
}
