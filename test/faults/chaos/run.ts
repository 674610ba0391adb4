/** One run of chaos from a seed: load, faults, quiet, and what is wrong when all is over. */
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as passed } from "node:timers/promises";
import { type Scene, checkChange, checkLeftovers, checkMemory, checkReplaced, checkViews } from "./checks.ts";
import { Device } from "./device.ts";
import { chaos, untilStarted } from "./faults.ts";
import { type Journal, faultsOfLog, readJournal } from "./journal.ts";
import { faultsOfOutput } from "./output.ts";
import { FeedReader } from "./feed-reader.ts";
import { AlertReader, PriceReader, RfqReader } from "./product-readers.ts";
import { Publisher, TENANTS, USERS, httpDoor, natsDoor, sqlDoor } from "./publishers.ts";
import { Random } from "./random.ts";
import type { Reader, ReaderContext } from "./reader.ts";
import { changeSubscription, endSessions } from "./rest-clients.ts";
import { Site } from "./site.ts";
import { SocketReader, StreamReader } from "./stock-readers.ts";
import { TapeReader } from "./tape-reader.ts";
import { Troubles } from "./troubles.ts";

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Names of `FAULTS`. */
  readonly kinds: readonly string[];
  readonly atOnce: number;
  /** Where everything is kept of a run that found something. */
  readonly folder: string | undefined;
  readonly say: (what: string) => void;
}

/** After the last fault everybody has to be live and up to date within that. */
const RECOVERY_MS = 60_000;
const PAUSE_MS = 80;
/** A node that takes longer to end has something to wait for. */
const QUICK_END_MS = 6000;
const ASKED =
  "select application_name, state, wait_event, left(query, 80) as query from pg_stat_activity where application_name like 'broadtape%'";

const ENV = {
  BROADTAPE_LIMIT_REDELIVER_MS: "3000",
  BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "100000",
  BROADTAPE_LIMIT_CHECKPOINT_MS: "3000",
};

/** Resolves with what was wrong. */
export async function runOf(options: RunOptions): Promise<string[]> {
  const random = new Random(options.seed);
  const site = await Site.start({ env: ENV, envOf: wrongClock(random, options.say) });
  const run = new Run(options, random, site);
  try {
    await run.through();
  } catch (error) {
    run.violation("the run", error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    run.end();
    if (run.violations.length > 0 && options.folder !== undefined) run.keep(options.folder);
    await site.remove();
  }
  return run.violations;
}

/** One node's clock is off, now and then. */
function wrongClock(random: Random, say: (what: string) => void): (name: string) => Record<string, string> {
  const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  if (library === undefined || random.is(0.5)) return () => ({});
  const wrong = random.oneOf(["n1", "n2", "n3"]);
  const off = random.oneOf(["+1h", "-1h", "+3s", "-20s"]);
  say(`the clock of ${wrong} is off by ${off}`);
  return (name) => (name === wrong ? { LD_PRELOAD: library, FAKETIME: off, FAKETIME_DONT_FAKE_MONOTONIC: "1" } : {});
}

class Run {
  readonly violations: string[] = [];
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #site: Site;
  readonly #scene: Scene;
  readonly #troubles = new Troubles();
  readonly #readers = new Map<string, Reader>();
  readonly #publishers = new Map<string, Publisher>();
  #closeNats: (() => Promise<void>) | undefined;
  #isFaultsOver = false;
  #journal: Journal | undefined;

  constructor(options: RunOptions, random: Random, site: Site) {
    this.#options = options;
    this.#random = random;
    this.#site = site;
    this.#scene = {
      site,
      say: options.say,
      violation: (who, what) => {
        this.violation(who, what);
      },
      until: (what, ms, find) => this.#until(what, ms, find),
    };
  }

  violation(who: string, what: string): void {
    const text = `${who} ${what}`;
    if (this.violations.length > 200) return;
    this.violations.push(text);
    this.#options.say(`VIOLATION at ${this.#troubles.secondsSinceStart().toFixed(1)} s: ${text}`);
  }

  async through(): Promise<void> {
    const { say, seconds, kinds, atOnce } = this.#options;
    const watching = this.#watchNodes();
    await this.#openReaders();
    await this.#openPublishers();
    const isOver = () => this.#isFaultsOver;
    const http = httpDoor(this.#site, this.#random.fork());
    const sessions = endSessions(this.#context("sessions", "tenant", "s"), http, isOver);
    const changing = this.#context("changed", "tenant", "changer");
    const changed = changeSubscription(changing, isOver);
    const faults = chaos({
      ...{ site: this.#site, random: this.#random.fork(), troubles: this.#troubles, kinds, atOnce, isOver },
      onFault: (what) => say(`${this.#troubles.secondsSinceStart().toFixed(1)} s ${what}`),
      onViolation: (what) => this.violation("", what),
    });
    await Promise.race([passed(seconds * 1000), faults]);
    this.#isFaultsOver = true;
    await faults;
    const healedAt = performance.now();
    await Promise.all(this.#site.cluster.nodes.map(untilStarted));
    for (const reader of this.#readers.values()) reader.settle();
    await this.#endPublishers();
    const endedSessions = await sessions;
    const journal = await this.#untilCaughtUp(healedAt);
    this.violations.push(...faultsOfLog(journal, this.#publishers));
    for (const [name, reader] of this.#readers) for (const fault of reader.faults(journal)) this.violation(name, fault);
    const lastChange = await changed;
    if (lastChange !== undefined) await checkChange(this.#scene, changing, lastChange);
    await checkViews(this.#scene);
    await checkReplaced(this.#scene);
    await checkMemory(this.#scene);
    for (const reader of this.#readers.values()) reader.close();
    await checkLeftovers(this.#scene);
    watching.end();
    await this.#endNodes();
    for (const node of this.#site.cluster.nodes) for (const fault of faultsOfOutput(node.output())) this.violation(node.name, fault);
    const events = journal.tenant.length + journal.other.length;
    const again = [...this.#readers.values()].reduce((sum, reader) => sum + (reader instanceof Device ? reader.again : 0), 0);
    const retries = [...this.#publishers.values()].reduce((sum, each) => sum + each.retries, 0);
    say(
      `${events} events, ${this.#readers.size} clients, ${this.#troubles.count} faults, ${retries} attempts repeated, ${again} redelivered, ${endedSessions} sessions ended`,
    );
  }

  end(): void {
    this.#isFaultsOver = true;
    for (const reader of this.#readers.values()) {
      reader.settle();
      reader.close();
    }
    void this.#closeNats?.().catch(() => undefined);
  }

  keep(root: string): void {
    const folder = join(root, `seed-${this.#options.seed}`);
    mkdirSync(folder, { recursive: true });
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
    };
    write("violations.txt", `${this.violations.join("\n")}\n`);
    write("faults.txt", `${this.#troubles.story().join("\n")}\n`);
    for (const node of this.#site.cluster.nodes) write(`${node.name}.log`, node.output());
    write("nginx.log", this.#site.cluster.nginx.output());
    if (this.#journal !== undefined) write("journal.json", JSON.stringify(this.#journal, undefined, 1));
  }

  #context(name: string, tenant: (typeof TENANTS)[number], user: string): ReaderContext {
    const { cluster } = this.#site;
    return {
      ...{ name, tenant, user, random: this.#random.fork(), troubles: this.#troubles, nodes: cluster.nodes },
      urls: [cluster.url, ...cluster.nodes.map(({ url }) => url)],
      onViolation: (what) => this.violation(name, what),
    };
  }

  async #openReaders(): Promise<void> {
    const add = async (
      kind: string,
      tenant: (typeof TENANTS)[number],
      user: string,
      open: (context: ReaderContext) => Reader | Promise<Reader>,
    ) => {
      const name = `${kind}-${tenant}-${user}`;
      this.#readers.set(name, await open(this.#context(name, tenant, user)));
    };
    for (const tenant of TENANTS) {
      for (const user of USERS) {
        await add("tape", tenant, user, (context) => TapeReader.open(context, "websocket", false));
        await add("feed", tenant, user, (context) => new FeedReader(context, false));
        await add("device", tenant, user, (context) => Device.open(context, "feed"));
      }
      const [first, second, third] = USERS;
      await add("moving-tape", tenant, first, (context) => TapeReader.open(context, "websocket", true));
      await add("sse-tape", tenant, second, (context) => TapeReader.open(context, "sse", false));
      await add("moving-sse-tape", tenant, third, (context) => TapeReader.open(context, "sse", true));
      await add("moving-feed", tenant, first, (context) => new FeedReader(context, true));
      await add("moving-feed", tenant, second, (context) => new FeedReader(context, true));
      await add("native-device", tenant, first, (context) => Device.open(context, "native"));
      await add("native-device", tenant, second, (context) => Device.open(context, "native"));
      await add("rivals", tenant, third, (context) => Device.open(context, "feed", 2));
      await add("native-rivals", tenant, third, (context) => Device.open(context, "native", 2));
      await add("prices", tenant, first, (context) => PriceReader.open(context, undefined));
      await add("slow-prices", tenant, second, (context) => PriceReader.open(context, 2));
      await add("rfq", tenant, first, (context) => RfqReader.open(context));
      await add("rfq", tenant, second, (context) => RfqReader.open(context));
      await add("alerts", tenant, first, (context) => new AlertReader(context));
      await add("stream", tenant, first, (context) => new StreamReader(context));
      await add("stream", tenant, second, (context) => new StreamReader(context));
      await add("socket", tenant, first, (context) => SocketReader.open(context));
      await add("socket", tenant, third, (context) => SocketReader.open(context));
    }
    const nothing: Journal = { tenant: [], other: [] };
    const isMoving = (name: string) => /^(moving|device|rivals|native|stream)/.test(name);
    await this.#until("clients are not live at the start", RECOVERY_MS, () => this.#firstBehind(nothing, (name) => !isMoving(name)));
  }

  async #openPublishers(): Promise<void> {
    await this.#site.database.query("insert into broadtape.publishers (role, tenant) values ('postgres', 'tenant'), ('postgres', 'other')");
    const nats = await natsDoor(this.#site);
    this.#closeNats = () => nats.close();
    const doors = { http: httpDoor(this.#site, this.#random.fork()), nats: nats.door, sql: sqlDoor(this.#site) };
    for (const tenant of TENANTS) {
      for (const way of ["http", "http", "nats", "sql"] as const) {
        const source = `p${this.#publishers.size}`;
        const options = { site: this.#site, random: this.#random.fork(), way, tenant, source, pauseMs: PAUSE_MS };
        const onViolation = (what: string) => this.violation("publisher", what);
        this.#publishers.set(source, new Publisher({ ...options, onViolation }, doors));
      }
    }
  }

  async #endPublishers(): Promise<void> {
    const ending = Promise.all([...this.#publishers.values()].map((publisher) => publisher.end()));
    const isEnded = await Promise.race([ending.then(() => true), passed(RECOVERY_MS).then(() => false)]);
    if (!isEnded) throw new Error("publishers were not answered in time after the last fault");
    await this.#until("the outbox is not empty", 20_000, async () => {
      const [row] = await this.#site.database.query("select count(*)::int as waiting from broadtape.outbox");
      return row?.["waiting"] === 0 ? undefined : `${String(row?.["waiting"])} batches wait`;
    });
    const refused = await this.#site.database.query("select refusal from broadtape.outbox_refused");
    for (const { refusal } of refused) this.violation("the outbox", `refused ${JSON.stringify(refusal)}`);
  }

  async #untilCaughtUp(healedAt: number): Promise<Journal> {
    let journal = (this.#journal = await readJournal(this.#site.cluster.url));
    await this.#until("clients do not come back", RECOVERY_MS, async () => {
      journal = this.#journal = await readJournal(this.#site.cluster.url);
      return this.#firstBehind(journal);
    });
    this.#options.say(`all are up to date ${((performance.now() - healedAt) / 1000).toFixed(1)} s after the last fault`);
    // What is told twice, or comes late, comes now.
    await passed(3500);
    return journal;
  }

  #firstBehind(journal: Journal, isMeant = (_name: string) => true): string | undefined {
    const behind = [...this.#readers].flatMap(([name, reader]) => {
      const what = isMeant(name) ? reader.behind(journal) : undefined;
      return what === undefined ? [] : [`${name} ${what}`];
    });
    return behind.length === 0 ? undefined : behind.slice(0, 5).join("; ");
  }

  /** Writes down what it still is when it should not be any more. */
  async #until(what: string, ms: number, find: () => string | undefined | Promise<string | undefined>): Promise<void> {
    let found: string | undefined;
    for (const deadline = performance.now() + ms; performance.now() < deadline;) {
      found = await Promise.resolve()
        .then(find)
        .catch((error: unknown) => String(error));
      if (found === undefined) return;
      await passed(250);
    }
    this.violation(what, `after ${ms} ms: ${found ?? ""}`);
  }

  /** One that ends without having been told to is wrong, whatever it says. */
  #watchNodes(): { end(): void } {
    const { nodes } = this.#site.cluster;
    const told = new Set<object>();
    const timer = setInterval(() => {
      for (const { name, process } of nodes) {
        if (process.exitCode === null || process.exitCode === 0 || told.has(process)) continue;
        told.add(process);
        // It found no database when it was started.
        const isStarting = !this.#troubles.isQuiet(name, performance.now() - 1000, performance.now()) && process.exitCode === 1;
        if (!isStarting) this.violation(name, `ended with ${process.exitCode}`);
      }
    }, 50);
    return {
      end: () => {
        clearInterval(timer);
      },
    };
  }

  async #endNodes(): Promise<void> {
    const ending = Promise.all(this.#site.cluster.nodes.map((node) => node.kill("SIGTERM")));
    const isQuick = await Promise.race([ending.then(() => true), passed(QUICK_END_MS).then(() => false)]);
    const asked = isQuick ? [] : await this.#site.database.query(ASKED);
    const codes = await ending;
    if (codes.some((code) => code !== 0))
      this.violation("nodes", `ended with ${codes.join()}, late in it they had: ${JSON.stringify(asked)}`);
  }
}
