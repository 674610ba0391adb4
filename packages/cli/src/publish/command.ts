/** `broadtape publish`: sends events from a file or standard input to a server. */
import { basename } from "node:path";
import type { Command } from "commander";
import { parseDuration } from "@broadtape/server/config/values";
import { EXIT, EXIT_CODE_HELP, type ExitCode, type Finish } from "../exit-codes.ts";
import { complain, type Io } from "../io.ts";
import { DEFAULT_URL, type Server, serverOf } from "../server.ts";
import { linesOfFile, linesOfStream } from "./input.ts";
import { progressOf } from "./progress.ts";
import { type Outcome, type Published, publishLines } from "./publish.ts";
import { report } from "./report.ts";
import { readPosition, writePosition } from "./resume-file.ts";

interface PublishFlags {
  readonly url?: string;
  readonly token?: string;
  readonly batchSize: string;
  readonly giveUpAfter: string;
  readonly resumeFile?: string;
  readonly json?: true;
}

/** Leaves room below the server's 1 MiB. */
const BATCH_BYTES = 900 * 1024;

export function addPublish(program: Command, io: Io, finish: Finish): void {
  program
    .command("publish")
    .description("Publish events, one JSON object a line, from a file or from standard input.")
    .argument("<file>", "NDJSON file, or - for standard input")
    .option("--url <url>", `server (BROADTAPE_URL; default: ${DEFAULT_URL})`)
    .option("--token <token>", "token with the permission events:publish (BROADTAPE_TOKEN)")
    .option("--batch-size <events>", "events a request, stored all or none", "500")
    .option("--resume-file <path>", "remembers how far the file is published, and goes on from there")
    .option("--give-up-after <duration>", "how long to go on trying while the server is away", "5m")
    .option("--json", "print the summary as JSON")
    .addHelpText(
      "after",
      `
An event without an id gets one made from file name, line number and text, so that a line is
stored once however often it is sent.
${EXIT_CODE_HELP}`,
    )
    .action(async (file: string, flags: PublishFlags) => {
      const server = serverOf(flags, io);
      finish(server === undefined ? EXIT.unauthorized : await publish(file, server, flags, io));
    });
}

async function publish(file: string, server: Server, flags: PublishFlags, io: Io): Promise<ExitCode> {
  const batchSize = Number(flags.batchSize);
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new Error("--batch-size: must be a whole number from 1");
  const giveUpAfterMs = parseDuration(flags.giveUpAfter);
  if (giveUpAfterMs === undefined) throw new Error("--give-up-after: must be a duration such as 30s or 5m");

  const isStream = file === "-";
  const fileName = basename(file);
  const { resumeFile } = flags;
  const position = resumeFile === undefined ? undefined : readPosition(resumeFile, fileName);
  const progress = progressOf(isStream || flags.json === true ? undefined : file, io.stderr);
  const published: Published = { events: 0, duplicates: 0, requests: 0, lastEventId: undefined };
  let retries = 0;
  const startedAt = performance.now();
  let outcome: Outcome;
  try {
    outcome = await publishLines(
      isStream ? linesOfStream(io.stdin, position) : linesOfFile(file, position),
      {
        sender: {
          ...server,
          giveUpAfterMs,
          onRetry(reason, afterMs) {
            retries += 1;
            progress.pause(() => complain(io, [`${reason}; again in ${afterMs} ms`]));
          },
        },
        fileName,
        batch: { events: batchSize, bytes: BATCH_BYTES },
        onPublished(line, events) {
          if (resumeFile !== undefined) writePosition(resumeFile, fileName, line);
          progress.show(line.end, events);
        },
      },
      published,
    );
  } finally {
    progress.stop();
  }
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(3));
  const summary = { ...published, retries, seconds, resumedAfterLine: position?.line ?? 0 };
  report(outcome, summary, isStream ? "standard input" : file, flags.json === true, io);
  return exitCodeOf(outcome);
}

function exitCodeOf(outcome: Outcome): ExitCode {
  switch (outcome.kind) {
    case "done":
      return EXIT.ok;
    case "unreachable":
      return EXIT.unreachable;
    case "refused":
      return outcome.statusCode === 401 || outcome.statusCode === 403 ? EXIT.unauthorized : EXIT.refused;
  }
}
