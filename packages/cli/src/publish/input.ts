/** The lines to publish: all of them, or those after the position of an earlier run. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { type Line, readLines } from "./lines.ts";
import { type Position, standsAt } from "./resume-file.ts";

/** Throws an Error where the file is not the one that the position is of. */
export async function* linesOfFile(path: string, position: Position | undefined): AsyncGenerator<Line> {
  const first = position === undefined ? { number: 1, start: 0 } : { number: position.line, start: position.start };
  const lines = readLines(createReadStream(path, { start: first.start }), first);
  if (position !== undefined) {
    const next = await lines.next();
    if (next.done === true || !standsAt(position, next.value)) throw changed(path);
  }
  yield* lines;
}

/** As {@link linesOfFile}, of what comes in from its beginning. */
export async function* linesOfStream(stream: Readable, position: Position | undefined): AsyncGenerator<Line> {
  for await (const line of readLines(stream, { number: 1, start: 0 })) {
    if (position?.line === line.number && !standsAt(position, line)) throw changed("standard input");
    if (line.number > (position?.line ?? 0)) yield line;
  }
}

function changed(name: string): Error {
  return new Error(`${name} is not what the resume file was written for; delete the resume file to publish it from the start`);
}
