/** A clock that moves when it is told to, chances that are known, and links that a test answers by hand. */
import type { ClientMessage, ServerMessage } from "@broadtape/protocol/native";
import type { Environment } from "../src/environment.ts";
import type { Link, LinkEnd, LinkMessage, LinkRequest, Transport } from "../src/link.ts";

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

/** The server's side of a link. */
export class FakeLink implements Link {
  readonly transport: Transport;
  readonly request: LinkRequest;
  readonly sent: ClientMessage[] = [];
  isClosed = false;
  /** Called with each message that the client sends. */
  onSend: (message: ClientMessage) => void = () => undefined;

  constructor(transport: Transport, request: LinkRequest) {
    this.transport = transport;
    this.request = request;
  }

  send(message: ClientMessage): void {
    this.sent.push(message);
    this.onSend(message);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: LinkMessage): void {
    if (!this.isClosed) this.request.events.onMessage(message);
  }

  welcome(overrides: Partial<Extract<ServerMessage, { type: "welcome" }>> = {}): void {
    this.say({ ...WELCOME, ...overrides });
  }

  end(end: LinkEnd = { opened: true }): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.request.events.onClose(end);
  }

  /** Messages of one type that the client sent. */
  said<T extends ClientMessage["type"]>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.sent.filter((message): message is Extract<ClientMessage, { type: T }> => message.type === type);
  }

  /** Answers the newest `subscribe`: all topics are followed, with these states. */
  accept(states: Readonly<Record<string, unknown>> = {}, cut = idOf(0)): void {
    const request = this.said("subscribe").at(-1);
    if (request === undefined) throw new Error("nothing was subscribed to");
    this.say({
      type: "subscribed",
      ...(request.id !== undefined && { id: request.id }),
      results: request.topics.map((topic) => ({ topic, ok: true })),
      cut,
      snapshots: Object.entries(states).map(([topic, state]) => ({ topic, state })),
    });
  }
}

export const WELCOME: Extract<ServerMessage, { type: "welcome" }> = {
  type: "welcome",
  connectionId: "c1",
  serverTime: 0,
  epoch: "0001",
  head: idOf(0),
  heartbeatMs: 15_000,
  limits: { topics: 1000, commandsBurst: 100, commandsPerSecond: 20 },
};

/** An event id as the server spells it. */
export function idOf(offset: number, epoch = 1): string {
  return `1700000000000-${epoch.toString(36).padStart(4, "0")}${offset.toString(36).padStart(10, "0")}`;
}

export class FakeEnvironment implements Environment {
  readonly links: FakeLink[] = [];
  readonly #alarms = new Set<Alarm>();
  readonly #online = new Set<() => void>();
  readonly #hide = new Set<() => void>();
  chance = 0;
  #now = 1_000_000;
  /** Transports that throw when opened. */
  readonly missing = new Set<Transport>();

  readonly now = (): number => this.#now;

  readonly after = (ms: number, run: () => void): (() => void) => {
    const alarm = { at: this.#now + ms, run };
    this.#alarms.add(alarm);
    return () => {
      this.#alarms.delete(alarm);
    };
  };

  readonly random = (): number => this.chance;

  readonly openLink = (transport: Transport, request: LinkRequest): Link => {
    if (this.missing.has(transport)) throw new Error(`there is no ${transport}`);
    const link = new FakeLink(transport, request);
    this.links.push(link);
    this.onOpen(link);
    return link;
  };

  /** Called with each link that is opened. */
  onOpen: (link: FakeLink) => void = () => undefined;

  readonly onOnline = (run: () => void): (() => void) => watch(this.#online, run);
  readonly onHide = (run: () => void): (() => void) => watch(this.#hide, run);

  get link(): FakeLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error("no link was opened");
    return link;
  }

  get alarms(): number {
    return this.#alarms.size;
  }

  /** How many wait for the network, or for the page to go. */
  get watchers(): number {
    return this.#online.size + this.#hide.size;
  }

  comeOnline(): void {
    for (const run of this.#online) run();
  }

  hide(): void {
    for (const run of this.#hide) run();
  }

  /** Lets time pass; promises settle before, between and after the timers that ring. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const next = [...this.#alarms].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}

/** Resolves when all promises that were ready have been worked off. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** A token that ends at this time, in milliseconds since the epoch. */
export function tokenUntil(ms: number, claims: object = { sub: "u1", tenantId: "t1" }): string {
  return `e30.${btoa(JSON.stringify({ ...claims, exp: ms / 1000 }))}.signature`;
}

function watch(listeners: Set<() => void>, run: () => void): () => void {
  listeners.add(run);
  return () => {
    listeners.delete(run);
  };
}
