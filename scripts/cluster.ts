/**
 * `npm run cluster`: PostgreSQL with a synchronous standby, nats-server, three nodes, nginx in front of them and the demo, on this
 * machine; with keys that kill them. Everything is in one folder, and gone when this ends, however it ends.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDemo } from "../packages/cli/src/demo.ts";
import { DEMO_ENTRY, demoTokens } from "../packages/cli/src/demo-tokens.ts";
import { issueToken } from "../packages/server/src/access/issue.ts";
import { startTestCluster, type TestCluster } from "../test/cluster.ts";
import { freePort } from "../test/free-port.ts";
import { removeAtEnd } from "../test/program.ts";
import { Faults } from "./cluster/faults.ts";
import { Terminal } from "./cluster/terminal.ts";
import { Witness, WITNESS_USER } from "./cluster/witness.ts";

const LOOK_MS = 200;
/** Of what each node logs. */
const OUTPUT_CHARACTERS = 200_000;
const TENANT = "witness";
const DAY_MS = 86_400_000;

const terminal = new Terminal();
const folder = mkdtempSync(join(tmpdir(), "broadtape-cluster-"));
// PostgreSQL runs as a user of its own where this runs as root.
chmodSync(folder, 0o755);
process.env["TMPDIR"] = folder;
removeAtEnd(folder);

/** What has to be ended, newest first. */
const running: (() => Promise<void> | void)[] = [];
let ending: Promise<never> | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(0));

await start().catch(async (error: unknown) => {
  if (ending === undefined) terminal.say(`broadtape: ${error instanceof Error ? error.message : String(error)}`);
  await end(1);
});

async function start(): Promise<void> {
  const secret = randomBytes(32).toString("base64url");
  const keys = { kind: "secret", secret } as const;
  const desk = `http://:${randomBytes(32).toString("base64url")}@127.0.0.1:${await freePort()}`;
  terminal.say("broadtape: starting PostgreSQL with a standby, NATS, three nodes and nginx");
  const cluster = await startTestCluster({
    standby: true,
    databaseSettings: {},
    port: Number(process.env["PORT"] ?? 3000),
    outputCharacters: OUTPUT_CHARACTERS,
    env: { BROADTAPE_DEMO: "on", BROADTAPE_JWT_SECRET: secret, DEMO_DESK: desk },
  });
  running.unshift(() => cluster.remove());
  const tokens = await demoTokens({ keys, publicTenant: "public", issuer: undefined, audience: undefined });
  const demo = runDemo({
    entry: DEMO_ENTRY,
    url: cluster.url,
    ...tokens,
    speed: process.env["DEMO_SPEED"] ?? "1",
    env: { ...process.env, DEMO_DESK: desk },
    tell: (line) => {
      terminal.say(line);
    },
  });
  running.unshift(() => demo.stop());
  const tokenOf = (sub: string, permissions: readonly string[]) => issueToken(keys, { sub, tenantId: TENANT, permissions }, 365 * DAY_MS);
  const witness = new Witness({
    url: cluster.url,
    publisherToken: await tokenOf("publisher", ["events:publish", "events:publish:any"]),
    readerToken: await tokenOf(WITNESS_USER, []),
  });
  running.unshift(() => {
    witness.close();
  });
  present(cluster);
  const faults = new Faults(cluster, terminal, witness);
  const looking = setInterval(() => {
    faults.look();
    terminal.show(lineOf(cluster, witness));
  }, LOOK_MS);
  running.unshift(() => {
    clearInterval(looking);
  });
  terminal.onKey((key) => {
    // In raw mode a Ctrl-C is a key.
    if (key === "q" || key === "\x03") void end(0);
    else void faults.press(key);
  });
}

function present({ url, nodes, nats, database }: TestCluster): void {
  terminal.say();
  terminal.say(`  ${terminal.bold(url)}  the desk: nginx leads to any of the nodes`);
  terminal.say(`  ${url}/operations  the operator's console: sign in as Olga`);
  for (const node of nodes) terminal.say(`  ${node.url}  ${node.name}   kill -9 ${node.process.pid ?? 0}`);
  terminal.say(`  ${nats?.url ?? ""}  NATS`);
  terminal.say(`  ${database?.url ?? ""}  PostgreSQL; commits wait for its standby`);
  terminal.say();
  terminal.say("  1 2 3  kill a node with SIGKILL, or start it again");
  terminal.say("  p      kill the primary of PostgreSQL and promote the standby");
  terminal.say("  n      kill NATS, or start it again");
  terminal.say("  q      end; nothing is left");
  terminal.say();
  terminal.say("A witness publishes 20 numbered events a second through nginx and follows them with the SDK:");
}

function lineOf({ nodes }: TestCluster, witness: Witness): string {
  const { stored, lost, doubled, latencyMs } = witness.peek();
  const names = nodes.map(({ name, isRunning }) => (isRunning ? name : "--")).join(" ");
  return `${names}   ${stored} stored   ${lost} lost   ${doubled} twice   ${latencyMs.toFixed(0)} ms from publishing to the client`;
}

function end(code: number): Promise<never> {
  ending ??= (async () => {
    terminal.close();
    for (const close of running.splice(0)) await close();
    process.exit(code);
  })();
  return ending;
}
