/** Entry of the command line. Run with `--conditions=@broadtape/source` from source. */
import { processIo } from "./io.ts";
import { endWithLauncher } from "./launcher.ts";
import { run } from "./run.ts";

endWithLauncher();
process.exitCode = await run(process.argv.slice(2), processIo());
