/** Programs that are none of npm's: installed from Debian's packages where that is possible, else it is said what to install. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runQuietly } from "./lib.mjs";

/** By the package that brings it: where the program is then, and what it needs beside. */
const PROGRAMS = {
  chromium: { path: "/usr/bin/chromium", packages: ["chromium", "fonts-dejavu-core"] },
  nginx: { path: onPath("nginx", "/usr/sbin/nginx"), packages: ["nginx"] },
  postgresql: { path: postgres(), packages: ["postgresql"] },
  "nats-server": { path: onPath("nats-server", "/usr/sbin/nats-server"), packages: ["nats-server"] },
  faketime: { path: inLibraries("faketime/libfaketime.so.1"), packages: ["libfaketime"] },
  ip: { path: onPath("ip", "/usr/sbin/ip"), packages: ["iproute2"] },
};
/** Where it ends with 101, packages start no services when they are installed (Debian's invoke-rc.d): nginx would listen on port 80. */
const SERVICE_POLICY = "/usr/sbin/policy-rc.d";

// As a program: `node scripts/programs.mjs nginx postgresql`.
if (process.argv[1] === fileURLToPath(import.meta.url)) await install(process.argv.slice(2));

/** Ends the process where they are neither there nor can be installed. */
export async function install(names) {
  const missing = names
    .map((name) => PROGRAMS[name])
    .filter(({ path }) => !existsSync(path))
    .flatMap(({ packages }) => packages);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    console.error(`broadtape: needs ${missing.join(" ")}: sudo apt-get install ${missing.join(" ")}`);
    process.exit(1);
  }
  const hasPolicy = existsSync(SERVICE_POLICY);
  if (!hasPolicy) writeFileSync(SERVICE_POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  // Also where it fails, which ends the process.
  const tidy = () => {
    if (!hasPolicy) rmSync(SERVICE_POLICY, { force: true });
  };
  process.once("exit", tidy);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await runQuietly("looking for packages", "apt-get", ["update", "-qq"], env);
  await runQuietly(`installing ${missing.join(" ")}`, "apt-get", ["install", "-qq", "-y", "--no-install-recommends", ...missing], env);
  tidy();
}

/** On the PATH, or where Debian puts it: in a folder of its release. */
function postgres() {
  const debian = "/usr/lib/postgresql";
  const releases = existsSync(debian) ? readdirSync(debian).map((release) => join(debian, release, "bin")) : [];
  const found = releases.map((folder) => join(folder, "initdb")).find((file) => existsSync(file));
  return found ?? onPath("initdb", join(debian, "15/bin/initdb"));
}

/** Debian has a folder of libraries for each kind of machine. */
function inLibraries(name) {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
  return folders.map((folder) => join("/usr/lib", folder, name)).find((file) => existsSync(file)) ?? join("/usr/lib", name);
}

function onPath(name, otherwise) {
  const files = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return files.find((file) => existsSync(file)) ?? otherwise;
}
