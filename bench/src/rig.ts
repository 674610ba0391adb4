/** Starts a server on one core and the load on the other, and measures between them. */
import type { Cpu, Filled, LoadOrder, Memory, Published, Reading, ServerReady } from "./control.ts";
import { answer, ended, settled, start, tell } from "./processes.ts";

const SERVER_CORE = 0;
const LOAD_CORE = 1;

export interface Subject {
  readonly name: string;
  readonly file: string;
  readonly wire: Extract<LoadOrder, { kind: "connect" }>["wire"];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Clients {
  readonly clients: number;
  readonly topics: number;
  readonly topicsEach: number;
  readonly topicKind?: string;
  readonly after?: string;
}

export interface Rig {
  connect(clients: Clients): Promise<void>;
  /** Stores events; resolves with the cursor before the first of them. */
  fill(events: number, topics: number): Promise<string>;
  /** Seconds of processor time of the server since this was last asked. */
  cpuSeconds(): Promise<number>;
  /** What the load has got so far. */
  reading(): Promise<Reading>;
  measure(eventsPerSecond: number, seconds: number, topics: number): Promise<Measured>;
  residentBytes(): Promise<number>;
  memory(): Promise<Memory>;
  /** The value of one line of the server's `/metrics`. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

export interface Measured {
  readonly published: Published;
  readonly reading: Reading;
}

export async function startRig(subject: Subject): Promise<Rig> {
  const server = start(`./servers/${subject.file}.ts`, SERVER_CORE, subject.env ?? {});
  const ready = await answer<ServerReady>(server, "ready");
  const load = start("./load.ts", LOAD_CORE, {});
  return {
    async connect(clients) {
      const wire = clients.after === undefined ? subject.wire : "native-resume";
      const { port, token, tokens } = ready;
      tell(load, { kind: "connect", wire, port, token, ...(tokens !== undefined && { tokens }), ...clients });
      await answer(load, "connected");
    },
    async fill(events, topics) {
      tell(server, { kind: "fill", events, topics });
      return (await answer<Filled>(server, "filled")).cursor;
    },
    async cpuSeconds() {
      tell(server, { kind: "cpu" });
      return (await answer<Cpu>(server, "cpu")).cpuSeconds;
    },
    async reading() {
      tell(load, { kind: "read" });
      return answer<Reading>(load, "reading");
    },
    async measure(eventsPerSecond, seconds, topics) {
      tell(load, { kind: "reset" });
      tell(server, { kind: "publish", eventsPerSecond, seconds, topics });
      const published = await answer<Published>(server, "published");
      await settled(load);
      tell(load, { kind: "read" });
      return { published, reading: await answer<Reading>(load, "reading") };
    },
    async residentBytes() {
      tell(server, { kind: "memory" });
      return (await answer<Memory>(server, "memory")).residentBytes;
    },
    async memory() {
      tell(server, { kind: "memory" });
      return answer<Memory>(server, "memory");
    },
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${ready.port}/metrics`)).text();
      return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
    },
    async stop() {
      tell(load, { kind: "stop" });
      tell(server, { kind: "stop" });
      await Promise.all([server, load].map((child) => ended(child)));
    },
  };
}
