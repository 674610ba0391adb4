/** Debian's nginx with a configuration of its own, in a folder of its own, on a free port of the loopback. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { listens, Program } from "./program.ts";

export interface Nginx {
  readonly url: string;
  /** Everything it logged so far, requests too. */
  output(): string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** `site`: what stands in `http { }`; `listen 80` in it becomes a free port, and Debian's folder of logs the own one. */
export async function startNginx(site: string, givenPort?: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-nginx-"));
  const port = givenPort ?? (await freePort());
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configurationOf(placed(site, port, folder), folder));
  const program = new Program({
    name: "nginx",
    file: process.env["NGINX"] ?? "/usr/sbin/nginx",
    args: ["-p", folder, "-e", "stderr", "-c", file],
    isReady: () => listens(port),
    lastSignal: "SIGTERM",
  });
  await program.start();
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => program.output + LOGS.map((log) => readFileSync(join(folder, log), { encoding: "utf8", flag: "a+" })).join(""),
    async stop() {
      await program.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const LOGS = ["access.log", "error.log"];

function placed(site: string, port: number, folder: string): string {
  return site.replaceAll("listen 80;", `listen 127.0.0.1:${port};`).replaceAll("/var/log/nginx/", `${folder}/`);
}

const SPOOLS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

function configurationOf(site: string, folder: string): string {
  const spools = SPOOLS.map((name) => {
    mkdirSync(join(folder, name));
    return `  ${name}_temp_path ${join(folder, name)};`;
  });
  // Its workers would else be somebody who may not write into the folder.
  const user = userInfo().uid === 0 ? "user root root;" : "";
  return `daemon off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
${user}
events { worker_connections 8192; }
http {
  access_log off;
${spools.join("\n")}
${site}
}
`;
}
