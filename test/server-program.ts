/** The real server as a program of its own, the way `npm start` runs it, on a given port. */
import { fileURLToPath } from "node:url";
import { HERE, type Host } from "./host.ts";
import { Program } from "./program.ts";

export const SECRET = "a secret of the contract tests, more than 32 bytes";

const MAIN = fileURLToPath(new URL("../packages/cli/src/main.ts", import.meta.url));

export interface ServerProgramOptions {
  readonly port: number;
  readonly directory: string;
  readonly name?: string;
  readonly outputCharacters?: number;
  /** Default: here. */
  readonly host?: Host;
}

export class ServerProgram extends Program {
  readonly port: number;
  readonly url: string;

  constructor({ port, directory, name = "the server", host = HERE, ...options }: ServerProgramOptions) {
    const url = `http://${host.address}:${port}`;
    const [file, args] = host.command(process.execPath, ["--conditions=@broadtape/source", MAIN, "serve"]);
    super({
      ...options,
      name,
      file,
      args,
      spawn: { env: { ...environment(port, directory), HOST: host.address } },
      isReady: () => isReady(url),
    });
    this.port = port;
    this.url = url;
  }
}

/** What it is given beside its settings is little, so that nothing of whoever starts it is one of them. */
function environment(port: number, directory: string): NodeJS.ProcessEnv {
  const compiled = process.env["NODE_COMPILE_CACHE"];
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    // Hundreds of servers of the same code.
    ...(compiled !== undefined && { NODE_COMPILE_CACHE: compiled }),
    PORT: String(port),
    BROADTAPE_DATA_DIR: directory,
    BROADTAPE_JWT_SECRET: SECRET,
    BROADTAPE_LIMIT_SSE_ATTEMPTS_PER_MINUTE: "100000",
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}
