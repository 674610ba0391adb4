/** `@broadtape/cli`: the command line as a function. */
export { run } from "./run.ts";
export type { Io } from "./io.ts";
