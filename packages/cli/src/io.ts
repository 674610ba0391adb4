/** Where a command reads and writes. */
import type { Readable, Writable } from "node:stream";
import pc from "picocolors";

export interface Output extends Writable {
  readonly isTTY?: boolean;
}

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** Answers. */
  readonly stdout: Output;
  /** Everything that is said about them. */
  readonly stderr: Output;
}

export function processIo(): Io {
  const { env, stdin, stdout, stderr } = process;
  return { env, stdin, stdout, stderr };
}

export type Colours = ReturnType<typeof pc.createColors>;

/** Colours on a terminal, unless NO_COLOR is set (https://no-color.org). */
export function coloursOf(io: Io, output: Output): Colours {
  return pc.createColors(output.isTTY === true && (io.env["NO_COLOR"] ?? "") === "" && io.env["TERM"] !== "dumb");
}

/** Writes one line. */
export function say(output: Output, line: string): void {
  output.write(`${line}\n`);
}

/** Says why a command fails, one line each. */
export function complain(io: Io, problems: readonly string[]): void {
  const colours = coloursOf(io, io.stderr);
  for (const problem of problems) say(io.stderr, `${colours.red("broadtape:")} ${problem}`);
}
