/** Entry of the command line. Run with `--conditions=@broadtape/source` from source. */
import { EXIT } from "./exit-codes.ts";
import { processIo } from "./io.ts";
import { endWithLauncher } from "./launcher.ts";
import { run } from "./run.ts";

endWithLauncher();
process.exitCode = await run(process.argv.slice(2), processIo());
// A server that could not start may have left threads behind, which would keep the process alive.
if (process.exitCode !== EXIT.ok) process.exit();
