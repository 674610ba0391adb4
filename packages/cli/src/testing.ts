/** For tests: a command's streams in memory. */
import { PassThrough } from "node:stream";
import type { ExitCode } from "./exit-codes.ts";
import { type Io, type Output } from "./io.ts";
import { run } from "./run.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, off a terminal. */
export async function runCommand(
  args: readonly string[],
  { env = {}, stdin = "" }: { env?: Io["env"]; stdin?: string } = {},
): Promise<Ran> {
  const [input, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  input.end(stdin);
  const code = await run(args, { env, stdin: input, stdout, stderr });
  return { code, stdout: textIn(stdout), stderr: textIn(stderr) };
}

function textIn(stream: Output & PassThrough): string {
  const chunk = stream.read() as Buffer | null;
  return chunk?.toString() ?? "";
}
