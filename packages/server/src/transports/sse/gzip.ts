/**
 * gzip for thousands of streams at the price of one (contract 50-sse "gzip"): each batch is compressed once into deflate blocks,
 * which go under each client's own gzip header. What is kept per client is the checksum and length of its own stream, for the
 * trailer (RFC 1952 2.3), and which batch it had last.
 *
 * One event alone saves little: what repeats is what events have in common. So a batch is compressed with the one before it as its
 * dictionary, wherever streams agree on that; those that had something else before get blocks that need nothing.
 */
import { constants, crc32, deflateRawSync } from "node:zlib";

/** gzip header: deflate, no name, no time, unknown system. */
export const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block with fixed codes (RFC 1951 3.2.6). */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);
const OPTIONS = { level: 6, finishFlush: constants.Z_SYNC_FLUSH };
/** As far back as deflate can refer (RFC 1951 2). */
const WINDOW = 32_768;
/** A batch that goes to many streams with different pasts is compressed for so many of these pasts, and once for all others. */
const MAX_PASTS = 2;

/** What is known of a batch's text. */
interface Compressed {
  readonly crc: number;
  readonly length: number;
  /** Moves a checksum past `length` bytes. */
  readonly shift: number;
  alone: Buffer | undefined;
  /** By the text before. Weak: a chain of batches would hold all of the past. */
  readonly after: WeakMap<Buffer, Buffer>;
  pasts: number;
}

const known = new WeakMap<Buffer, Compressed>();

/** One client's gzip stream. */
export class GzipStream {
  #crc = 0;
  #length = 0;
  /** The text before, while it can serve as a dictionary. */
  #before: Buffer | undefined;

  /** The next part of the stream: one buffer for all streams that had the same text before. */
  next(text: Buffer): Buffer {
    const compressed = known.get(text) ?? remember(text);
    const block = blockAfter(text, compressed, this.#before);
    this.#crc = (multiply(compressed.shift, this.#crc) ^ compressed.crc) >>> 0;
    this.#length = (this.#length + compressed.length) >>> 0;
    this.#before = text.length > 0 && text.length <= WINDOW ? text : undefined;
    return block;
  }

  /** What ends the stream. */
  trailer(): Buffer {
    const sums = Buffer.alloc(8);
    sums.writeUInt32LE(this.#crc, 0);
    sums.writeUInt32LE(this.#length, 4);
    return Buffer.concat([LAST_BLOCK, sums]);
  }
}

function remember(text: Buffer): Compressed {
  const compressed = {
    crc: crc32(text),
    length: text.length,
    shift: shiftOf(text.length),
    alone: undefined,
    after: new WeakMap(),
    pasts: 0,
  };
  known.set(text, compressed);
  return compressed;
}

function blockAfter(text: Buffer, compressed: Compressed, before: Buffer | undefined): Buffer {
  const ready = before === undefined ? undefined : compressed.after.get(before);
  if (ready !== undefined) return ready;
  if (before === undefined || compressed.pasts >= MAX_PASTS)
    return (compressed.alone ??= deflateRawSync(text, { ...OPTIONS, chunkSize: roomFor(text) }));
  compressed.pasts += 1;
  const block = deflateRawSync(text, { ...OPTIONS, chunkSize: roomFor(text), dictionary: before });
  compressed.after.set(before, block);
  return block;
}

/** No more memory than a block can take: without it each holds 16 KiB. */
function roomFor(text: Buffer): number {
  return Math.min(16_384, text.length + 64);
}

/** CRC-32's polynomial, reflected (RFC 1952 8). Checksums are polynomials over GF(2) with bit 31 as the constant term. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** x^(8·bytes) modulo the polynomial: what a checksum is multiplied by when that many bytes follow. */
function shiftOf(bytes: number): number {
  let result = ONE;
  let power = 0x00800000; // x^8
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(power, result);
    power = multiply(power, power);
  }
  return result >>> 0;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}
