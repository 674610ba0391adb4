/** `broadtape <command>`: parses the arguments and runs a command. */
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { BadConfig } from "@broadtape/server/config";
import { addConfig } from "./config.ts";
import { addDoctor } from "./doctor.ts";
import { EXIT, type ExitCode, type Finish } from "./exit-codes.ts";
import { coloursOf, complain, type Io } from "./io.ts";
import { addPublish } from "./publish/command.ts";
import { addServe } from "./serve.ts";
import { addTail } from "./tail.ts";
import { addToken } from "./token.ts";

/** Adds a command to the program. */
export type Add = (program: Command, io: Io, finish: Finish) => void;

const COMMANDS: readonly Add[] = [addServe, addToken, addPublish, addTail, addConfig, addDoctor];

/** @param args without the program's own name */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram(io, (finished) => {
    code = finished;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    // Commander has said what is wrong; its code is 0 for help and version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed;
    complain(io, error instanceof BadConfig ? error.faults : [error instanceof Error ? error.message : String(error)]);
    return EXIT.failed;
  }
}

function createProgram(io: Io, finish: Finish): Command {
  const program = new Command("broadtape")
    .description("Delivers trading and money events to screens: in order, without a gap or a duplicate.")
    .version(version())
    .showHelpAfterError("(broadtape --help lists commands and flags)");
  const colours = coloursOf(io, io.stderr);
  const output = {
    writeOut: (text: string) => io.stdout.write(text),
    writeErr: (text: string) => io.stderr.write(text),
    getOutHasColors: () => coloursOf(io, io.stdout).isColorSupported,
    getErrHasColors: () => colours.isColorSupported,
    outputError: (text: string, write: (each: string) => void) => {
      write(text.replace(/^error:/, colours.red("broadtape:")));
    },
  };
  // Inherited by commands that are added after.
  program.exitOverride().configureOutput(output);
  for (const add of COMMANDS) add(program, io, finish);
  return program;
}

function version(): string {
  const { version: text } = createRequire(import.meta.url)("../package.json") as { version: string };
  return text;
}
