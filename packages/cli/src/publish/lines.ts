/** Reads lines with their place in the file, so that a later run can go on from there. */

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset after its line break. */
  readonly end: number;
  readonly text: string;
}

/** A line that cannot be published. */
export class BadLine extends Error {
  override readonly name = "BadLine";
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Far more than a server takes; a file without line breaks must not fill the memory. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
const NEWLINE = 0x0a;

/** @param first number and offset of the first line in `chunks` */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  first: { readonly number: number; readonly start: number },
): AsyncGenerator<Line> {
  let { number, start } = first;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const bytes = Buffer.concat([...rest, chunk.subarray(from, at)]);
      const end = start + bytes.length + 1;
      yield { number, start, end, text: textOf(bytes, number) };
      rest = [];
      restBytes = 0;
      from = at + 1;
      start = end;
      number += 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > MAX_LINE_BYTES) throw new BadLine(number, `is longer than ${MAX_LINE_BYTES} bytes`);
  }
  const bytes = Buffer.concat(rest);
  if (bytes.length > 0) yield { number, start, end: start + bytes.length, text: textOf(bytes, number) };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Without line break, byte order mark and the spaces around it. */
function textOf(bytes: Buffer, number: number): string {
  try {
    return utf8.decode(bytes).trim();
  } catch {
    throw new BadLine(number, "is not UTF-8");
  }
}
