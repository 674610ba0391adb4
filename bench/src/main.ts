/**
 * `npm run bench`: measures Broadtape against its peers in the same run. `-- fan-out resume` runs some of the scenarios, `-- several-nodes` those
 * that need PostgreSQL and NATS, `--rounds 5` changes how often each is repeated, `--write` replaces the committed tables of which all scenarios
 * ran.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { acks } from "./scenarios/acks.ts";
import { appends } from "./scenarios/appends.ts";
import { appendsToPostgres } from "./scenarios/appends-postgres.ts";
import { catchUp } from "./scenarios/catch-up.ts";
import { countdown } from "./scenarios/countdown.ts";
import { crossing } from "./scenarios/crossing.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { idleConnections } from "./scenarios/idle.ts";
import { losslessLatency } from "./scenarios/lossless.ts";
import { manyTopics } from "./scenarios/many-topics.ts";
import { severalNodes } from "./scenarios/nodes.ts";
import { resumeStorm } from "./scenarios/resume.ts";
import { saving } from "./scenarios/saving.ts";
import { streams } from "./scenarios/streams.ts";
import { starts } from "./scenarios/start.ts";
import { type Table, markdownOf } from "./table.ts";

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    write: { type: "boolean", default: false },
    /** Of `catch-up`: fewer, to try it out. */
    events: { type: "string" },
  },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const say = (line: string) => console.error(line);

type Scenarios = Readonly<Record<string, () => Promise<Table>>>;

const ONE_NODE: Scenarios = {
  "fan-out": () => fanOut(rounds, say),
  "many-topics": () => manyTopics(rounds, 10_000, say),
  "many-topics-half": () => manyTopics(rounds, 5000, say),
  lossless: () => losslessLatency(rounds, say),
  appends: () => appends(rounds, say),
  resume: () => resumeStorm(rounds, say),
  start: () => starts(rounds, say),
  streams: () => streams(rounds, say),
  saving: () => saving(say),
  countdown: () => countdown(rounds, say),
  acks: () => acks(rounds, say),
  idle: () => idleConnections(1, say),
};

const SEVERAL_NODES: Scenarios = {
  nodes: () => severalNodes(rounds, say),
  crossing: () => crossing(rounds, say),
  "catch-up": () => catchUp(rounds, say, values.events === undefined ? undefined : Number(values.events)),
  "appends-postgres": () => appendsToPostgres(rounds, say),
};

/** By name, which stands for all of its scenarios. */
const GROUPS = {
  "one-node": { scenarios: ONE_NODE, file: "README.md", head: headOfOneNode },
  "several-nodes": { scenarios: SEVERAL_NODES, file: "nodes.md", head: headOfSeveralNodes },
} as const;

const asked = new Set(
  (positionals.length === 0 ? ["one-node"] : positionals).flatMap((name) =>
    name === "one-node" || name === "several-nodes" ? Object.keys(GROUPS[name].scenarios) : [name],
  ),
);
const known = [...Object.keys(ONE_NODE), ...Object.keys(SEVERAL_NODES)];
if ([...asked].some((name) => !known.includes(name)) || !(rounds >= 1)) {
  console.error(`npm run bench -- [--rounds N] [--write] [${[...Object.keys(GROUPS), ...known].join("] [")}]`);
  process.exit(1);
}
for (const { scenarios, file, head } of Object.values(GROUPS)) {
  const tables: string[] = [];
  for (const [name, run] of Object.entries(scenarios)) {
    if (!asked.has(name)) continue;
    tables.push(markdownOf(await run()));
    console.log(tables.at(-1));
  }
  if (values.write && values.events === undefined && tables.length === Object.keys(scenarios).length)
    writeFileSync(new URL(`../results/${file}`, import.meta.url), `${head()}\n${tables.join("\n")}`);
}

function headOfOneNode(): string {
  const peers = ["ws", "socket.io", "better-sse", "better-sqlite3"].map((name) => `${name} ${versionOf(name)}`).join(", ");
  return `# Results

\`npm run bench -- --rounds ${rounds} --write\`, ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${peers}, Linux ${release()},
${machine()}. The server is pinned to one core with all its threads, the load to another; loopback; 300-byte
events. Identical code varies by up to twice between runs on a shared machine: compare within a run only.
`;
}

function headOfSeveralNodes(): string {
  const peers = ["pg", "@nats-io/transport-node"].map((name) => `${name} ${versionOf(name)}`).join(", ");
  return `# Results with several nodes

\`npm run bench -- --rounds ${rounds} --write several-nodes\`, ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${peers}, Debian's PostgreSQL
and nats-server, Linux ${release()}, ${machine()}. Nodes, load, PostgreSQL (its standby too) and NATS share these cores and one disk, and nothing is pinned:
these are lower bounds of what separate machines do, and latencies with everybody's queues in them. fsync is on. Compare within a run only.
`;
}

function machine(): string {
  return `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? "unknown"}`;
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), "utf8")) as { version: string })
    .version;
}
