/** Debian's nginx with a configuration of its own, in a folder of its own, on a free port of the loopback. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePort, until } from "./contract/server.ts";

export interface Nginx {
  readonly url: string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** `site`: what stands in `http { }`; `listen 80` in it becomes a free port. */
export async function startNginx(site: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "broadtape-nginx-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configurationOf(site.replaceAll("listen 80;", `listen 127.0.0.1:${port};`), folder));
  const child = spawn(process.env["NGINX"] ?? "/usr/sbin/nginx", ["-p", folder, "-e", "stderr", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${said}`);
      return listens(port);
    },
    () => said,
  );
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode === null) {
        const exit = once(child, "exit");
        child.kill("SIGTERM");
        await exit;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
events { worker_connections 256; }
http {
  access_log off;
${spools.join("\n")}
${site}
}
`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
