/** `broadtape config print`: what is set to what, by what. */
import type { Command } from "commander";
import { BadConfig, readConfig } from "@broadtape/server/config";
import { describeConfig } from "@broadtape/server/config/describe";
import { EXIT, type Finish } from "./exit-codes.ts";
import { coloursOf, complain, type Io, say } from "./io.ts";
import { addSettingOptions, flagsOf } from "./setting-options.ts";

export function addConfig(program: Command, io: Io, finish: Finish): void {
  const print = program
    .command("config")
    .description("Look at the configuration.")
    .command("print")
    .description("Print every setting with its value and where that comes from; secrets stay hidden.")
    .option("--json", "as JSON")
    .action((options: { readonly json?: true }) => {
      const flags = flagsOf(print);
      const described = describeConfig(io.env, flags);
      const colours = coloursOf(io, io.stdout);
      if (options.json === true) say(io.stdout, JSON.stringify(described, undefined, 2));
      else for (const { variable, value, from } of described) say(io.stdout, `${variable}=${value ?? ""} ${colours.dim(`# ${from}`)}`);
      try {
        readConfig(io.env, flags);
      } catch (error) {
        if (!(error instanceof BadConfig)) throw error;
        complain(io, error.faults);
        finish(EXIT.failed);
      }
    });
  addSettingOptions(print);
}
