/**
 * gzip for thousands of streams at the price of one (contract 50-sse "gzip"): each batch is compressed once into deflate
 * blocks that need nothing before them, and goes under each client's own gzip header. What is kept per client is the
 * checksum and length of its own stream, for the trailer (RFC 1952 2.3).
 */
import { constants, crc32, deflateRawSync } from "node:zlib";

/** gzip header: deflate, no name, no time, unknown system. */
export const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block with fixed codes (RFC 1951 3.2.6). */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);
const LEVEL = 6;

/** Checksum and length of the text that compressed bytes hold. */
interface Contents {
  readonly crc: number;
  readonly length: number;
  /** Moves a checksum past `length` bytes. */
  readonly shift: number;
}

const contents = new WeakMap<Buffer, Contents>();

/** Compresses a batch so that it can follow anything. The same buffer may be written to any number of clients. */
export function deflateBlock(text: Buffer): Buffer {
  const block = deflateRawSync(text, { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH });
  contents.set(block, { crc: crc32(text), length: text.length, shift: shiftOf(text.length) });
  return block;
}

/** Takes over what is known of one buffer's contents for another that frames it. */
export function frameBlock(block: Buffer, framed: Buffer): Buffer {
  const known = contents.get(block);
  if (known !== undefined) contents.set(framed, known);
  return framed;
}

/** The running checksum of one client's stream. */
export class GzipStream {
  #crc = 0;
  #length = 0;

  /** Counts a buffer made by {@link deflateBlock} or {@link frameBlock}. */
  count(bytes: Buffer): void {
    const known = contents.get(bytes);
    if (known === undefined) throw new Error("bytes that were not compressed here cannot follow in a gzip stream");
    this.#crc = (multiply(known.shift, this.#crc) ^ known.crc) >>> 0;
    this.#length = (this.#length + known.length) >>> 0;
  }

  /** What ends the stream. */
  trailer(): Buffer {
    const sums = Buffer.alloc(8);
    sums.writeUInt32LE(this.#crc, 0);
    sums.writeUInt32LE(this.#length, 4);
    return Buffer.concat([LAST_BLOCK, sums]);
  }
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
