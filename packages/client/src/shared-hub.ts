/** What the shared worker holds: for each identity one connection, for each tab of it a channel. */
import { Broadtape, type BroadtapeOptions } from "./broadtape.ts";
import { type Environment, browserEnvironment } from "./environment.ts";
import type { TabMessage } from "./shared-link.ts";
import { SharedTab, type TabPort, type TabSource } from "./shared-tab.ts";
import { TabTokens } from "./shared-tokens.ts";
import { claimsOf } from "./token.ts";

type Open = Extract<TabMessage, { type: "open" }>;

const HEARTBEAT_MS = 15_000;
/** A tab that has not answered so many pings is forgotten; a sleeping one comes back by itself. */
const FORGET_AFTER = 4;
/** More tabs than that have connections of their own. */
const MAX_TABS = 200;

export class SharedHub {
  readonly #groups = new Map<string, Group>();
  readonly #options: BroadtapeOptions;
  readonly #environment: Environment;
  #tabs = 0;

  constructor(options: Pick<BroadtapeOptions, "environment"> = {}) {
    this.#options = options;
    this.#environment = { ...browserEnvironment, ...options.environment };
  }

  /** How many tabs it knows. */
  get size(): number {
    return this.#tabs;
  }

  connect(port: TabPort): void {
    port.onmessage = ({ data }) => {
      if (data.type !== "open") return;
      if (this.#tabs >= MAX_TABS) {
        port.postMessage({ type: "closing", code: "LIMIT_REACHED", reconnect: true });
        return;
      }
      this.#tabs += 1;
      this.#groupOf(data).join(port, data);
    };
  }

  #groupOf(open: Open): Group {
    const key = keyOf(open);
    const group = this.#groups.get(key) ?? new Group(open, this.#options, this.#environment, () => this.#left(key));
    this.#groups.set(key, group);
    return group;
  }

  #left(key: string): void {
    this.#tabs -= 1;
    if (this.#groups.get(key)?.isEmpty === true) this.#groups.delete(key);
  }
}

/** A connection with one set of filters, and how many followings go over it. */
interface Line {
  readonly tape: Broadtape;
  readonly offStatus: () => void;
  uses: number;
}

/** Tabs of one identity. Invariant: its connections are open while it has tabs. */
class Group implements TabSource {
  readonly #open: Open;
  readonly #options: BroadtapeOptions;
  readonly #environment: Environment;
  readonly #onLeave: () => void;
  readonly #tabs = new Set<SharedTab>();
  /** By filters: one connection follows a topic with one set of them. The first is that without any. */
  readonly #lines = new Map<string, Line>();
  readonly #tokens: TabTokens;
  #cancelBeat: () => void = () => undefined;

  constructor(open: Open, options: BroadtapeOptions, environment: Environment, onLeave: () => void) {
    this.#open = open;
    this.#options = options;
    this.#environment = environment;
    this.#onLeave = onLeave;
    this.#tokens = new TabTokens(environment);
  }

  get isEmpty(): boolean {
    return this.#tabs.size === 0;
  }

  join(port: TabPort, { token }: Open): void {
    const tab = new SharedTab(port, this);
    if (this.isEmpty) this.#beat();
    this.#tabs.add(tab);
    this.#tokens.bring(token);
    port.onmessage = ({ data }) => this.#take(tab, data);
    const limits = { topics: 1000, commandsBurst: 1000, commandsPerSecond: 1000 };
    const serverTime = this.#environment.now();
    tab.say({ type: "welcome", connectionId: "shared", serverTime, epoch: "", head: "", heartbeatMs: HEARTBEAT_MS, limits });
    tab.tellStatus(this.#main.tape.status.get());
  }

  readonly follow: TabSource["follow"] = (topic, handlers, options) => {
    const { filters } = options;
    const line = this.#lineOf(filters);
    const following = line.tape.follow<string>(topic, handlers, options);
    line.uses += 1;
    let isOver = false;
    const unfollow = () => {
      if (isOver) return;
      isOver = true;
      following.unfollow();
      line.uses -= 1;
      if (line.uses === 0 && filters !== undefined) this.#close(JSON.stringify(filters), line);
    };
    return { ...following, unfollow };
  };

  readonly ack: TabSource["ack"] = (upTo) => this.#main.tape.ack(upTo);
  readonly cursor: TabSource["cursor"] = () => this.#main.tape.cursor;

  get #main(): Line {
    return this.#lineOf(undefined);
  }

  #take(tab: SharedTab, message: TabMessage): void {
    tab.heard();
    switch (message.type) {
      case "bye":
        this.#leave(tab);
        return;
      case "token":
        this.#takeToken(tab, message);
        return;
      case "subscribe":
      case "unsubscribe":
      case "update":
      case "ack":
        tab.take(message);
        return;
      default:
    }
  }

  /** A tab where meanwhile somebody else has signed in comes back as theirs, and has no part in this connection any more. */
  #takeToken(tab: SharedTab, { id, token }: Extract<TabMessage, { type: "token" }>): void {
    const isOther = token !== undefined && ownerOf(token) !== ownerOf(this.#open.token ?? "");
    this.#tokens.take(id, isOther ? undefined : token);
    if (!isOther) return;
    tab.say({ type: "closing", code: "TOKEN_EXPIRED", reconnect: true });
    this.#leave(tab);
  }

  #leave(tab: SharedTab): void {
    if (!this.#tabs.delete(tab)) return;
    tab.end();
    if (this.isEmpty) {
      this.#cancelBeat();
      for (const [key, line] of this.#lines) this.#close(key, line);
    }
    this.#onLeave();
  }

  #lineOf(filters: unknown): Line {
    const key = JSON.stringify(filters ?? null);
    const existing = this.#lines.get(key);
    if (existing !== undefined) return existing;
    const { url, isRenewable } = this.#open;
    const token = isRenewable ? () => this.#tokens.fresh(this.#tabs) : this.#tokens.brought;
    // A client id is of one connection.
    const clientId = filters === undefined ? this.#open.clientId : undefined;
    const tape = new Broadtape({ ...this.#options, url, clientId, token });
    const line = { tape, uses: 0, offStatus: tape.status.subscribe(() => this.#tellStatus(key, line)) };
    this.#lines.set(key, line);
    return line;
  }

  #tellStatus(key: string, { tape }: Line): void {
    const status = tape.status.get();
    if (status.state !== "closed" && key !== "null") return;
    for (const tab of [...this.#tabs]) {
      tab.tellStatus(status);
      if (status.state === "closed") this.#leave(tab);
    }
  }

  #close(key: string, { tape, offStatus }: Line): void {
    offStatus();
    tape.close();
    this.#lines.delete(key);
  }

  #beat(): void {
    this.#cancelBeat = this.#environment.after(HEARTBEAT_MS, () => {
      const now = this.#environment.now();
      for (const tab of [...this.#tabs]) if (tab.ping(now) >= FORGET_AFTER) this.#leave(tab);
      if (!this.isEmpty) this.#beat();
    });
  }
}

function ownerOf(token: string): string {
  const { sub, tenantId } = claimsOf(token) ?? {};
  return JSON.stringify([sub, tenantId]);
}

/** Tabs share a connection when they are the same user with the same rights. Without a token the browser's one cookie counts. */
function keyOf({ url, clientId, token, isRenewable }: Open): string {
  if (token === undefined) return JSON.stringify([url, clientId]);
  const claims = claimsOf(token) ?? { token };
  const ofToken = ["exp", "iat", "nbf", "jti"];
  const entries = Object.entries(claims).filter(([name]) => !ofToken.includes(name));
  return JSON.stringify([url, clientId, isRenewable, entries.sort(([a], [b]) => (a < b ? -1 : 1))]);
}
