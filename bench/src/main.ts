/**
 * `npm run bench`: measures Broadtape against its peers in the same run. `-- fan-out resume` runs some of the scenarios,
 * `--rounds 5` changes how often each is repeated, `--write` replaces the committed table (all scenarios only).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { acks } from "./scenarios/acks.ts";
import { appends } from "./scenarios/appends.ts";
import { countdown } from "./scenarios/countdown.ts";
import { fanOut } from "./scenarios/fan-out.ts";
import { idleConnections } from "./scenarios/idle.ts";
import { losslessLatency } from "./scenarios/lossless.ts";
import { manyTopics } from "./scenarios/many-topics.ts";
import { resumeStorm } from "./scenarios/resume.ts";
import { saving } from "./scenarios/saving.ts";
import { streams } from "./scenarios/streams.ts";
import { starts } from "./scenarios/start.ts";
import { type Table, markdownOf } from "./table.ts";

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, write: { type: "boolean", default: false } },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const say = (line: string) => console.error(line);

const SCENARIOS: Readonly<Record<string, () => Promise<Table>>> = {
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

const unknown = positionals.filter((name) => !Object.hasOwn(SCENARIOS, name));
if (unknown.length > 0 || !(rounds >= 1)) {
  console.error(`npm run bench -- [--rounds N] [--write] [${Object.keys(SCENARIOS).join("] [")}]`);
  process.exit(1);
}
const chosen = Object.entries(SCENARIOS).filter(([name]) => positionals.length === 0 || positionals.includes(name));
const tables: string[] = [];
for (const [, run] of chosen) {
  tables.push(markdownOf(await run()));
  console.log(tables.at(-1));
}
if (values.write && chosen.length === Object.keys(SCENARIOS).length) {
  writeFileSync(new URL("../results/README.md", import.meta.url), `${head()}\n${tables.join("\n")}`);
}

function head(): string {
  const versionOf = (name: string) =>
    (JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), "utf8")) as { version: string }).version;
  const peers = ["ws", "socket.io", "better-sse", "better-sqlite3"].map((name) => `${name} ${versionOf(name)}`).join(", ");
  return `# Results

\`npm run bench -- --rounds ${rounds} --write\`, ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${peers}, Linux ${release()},
${cpus().length} cores of ${cpus()[0]?.model.trim() ?? "unknown"}. The server is pinned to one core with all its threads, the load to another; loopback; 300-byte
events. Identical code varies by up to twice between runs on a shared machine: compare within a run only.
`;
}
