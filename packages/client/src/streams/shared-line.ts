/**
 * One stream for all tabs of a browser: one of them leads, has the connection, and tells the others what it hears; when it goes, the next
 * one leads and resumes where all of them are.
 */
import type { TokenSource } from "../connection-options.ts";
import { ValueStore } from "../store.ts";
import { claimsOf } from "../token.ts";
import type { StreamEnvironment, TabChannel, Tabs } from "./environment.ts";
import type { StreamConnection, StreamLine, StreamText } from "./stream-connection.ts";
import { type Kept, isKept } from "./stream-memory.ts";
import { CONNECTING, type StreamStatus } from "./stream-status.ts";

/** The server speaks every 30 s, and who leads tells it; after such a silence it is asked. */
const ASK_MS = 100_000;
/** A tab that does not answer by then has been put to sleep: somebody else leads. */
const ANSWER_MS = 10_000;

type TabMessage =
  /** A tab asks for what is known. */
  | { readonly type: "hello" }
  | { readonly type: "connect" }
  /** A tab leads from now on: what it knows counts. */
  | { readonly type: "leading" }
  | { readonly type: "state"; readonly kept: Kept | undefined; readonly status: StreamStatus }
  | { readonly type: "text"; readonly text: StreamText }
  | { readonly type: "status"; readonly status: StreamStatus };

interface SharedHost {
  readonly keep: () => Kept | undefined;
  /** Takes the place of what this tab knows; undefined: nothing is known yet. */
  readonly adopt: (kept: Kept | undefined) => void;
  readonly onText: (text: StreamText) => void;
}

export class SharedLine implements StreamLine {
  readonly status: ValueStore<StreamStatus>;
  readonly #connection: StreamConnection;
  readonly #tabs: Tabs;
  readonly #environment: StreamEnvironment;
  readonly #nameOf: () => Promise<string | undefined>;
  readonly #onError: (error: unknown) => void;
  readonly #host: SharedHost;
  #name = "";
  #channel: TabChannel | undefined;
  /** Asks for its name; what was begun before the last `close` is not gone on with. */
  #joining: object | undefined;
  #isLeading = false;
  /** Of one that follows: it knows what who leads knew, and has heard everything since. */
  #isIn = false;
  #heardAt = 0;
  #giveUp: () => void = () => undefined;
  #cancelWatch: () => void = () => undefined;

  /** @param nameOf of the channel; without one the tab is alone */
  constructor(
    nameOf: () => Promise<string | undefined>,
    tabs: Tabs,
    connection: StreamConnection,
    host: SharedHost,
    { environment, onError }: { environment: StreamEnvironment; onError: (error: unknown) => void },
  ) {
    this.#nameOf = nameOf;
    this.#onError = onError;
    this.#tabs = tabs;
    this.#connection = connection;
    this.#host = host;
    this.#environment = environment;
    this.status = new ValueStore(CONNECTING, onError);
    connection.status.subscribe(() => {
      if (!this.#isLeading) return;
      this.status.set(connection.status.get());
      this.#post({ type: "status", status: connection.status.get() });
    });
  }

  connect(): void {
    if (this.#isLeading) this.#connection.connect();
    else if (this.#channel !== undefined) this.#post({ type: "connect" });
    else if (this.#joining === undefined) {
      if (this.status.get().state === "closed") this.status.set(CONNECTING);
      void this.#join();
    }
  }

  /** The connection heard this. */
  heard(text: StreamText): void {
    this.#post({ type: "text", text });
    this.#host.onText(text);
  }

  greeted(): void {
    if (this.#isLeading) this.#connection.greeted();
  }

  again(afterMs?: number): void {
    if (this.#isLeading) this.#connection.again(afterMs);
  }

  /** Who leads stays in the lead: the others would be refused as well. */
  refused(reason: string): void {
    if (this.#isLeading) this.#connection.close(reason);
  }

  close(reason: string): void {
    const { state, staleSince } = this.status.get();
    this.#isLeading = false;
    this.#isIn = false;
    this.#joining = undefined;
    this.#cancelWatch();
    this.#connection.close(reason);
    this.#channel?.close();
    this.#channel = undefined;
    this.#giveUp();
    if (state === "closed") return;
    this.status.set({ state: "closed", staleSince: staleSince ?? this.#environment.now(), reason, httpStatus: undefined });
  }

  /** Never rejects. */
  async #join(): Promise<void> {
    const joining = {};
    this.#joining = joining;
    const name = await this.#nameOf().catch((error: unknown) => this.#onError(error));
    if (this.#joining !== joining) return;
    this.#joining = undefined;
    if (name === undefined) {
      this.#isLeading = true;
      this.#connection.connect();
      return;
    }
    this.#name = name;
    // The channel's name is ours, so are the messages on it.
    this.#channel = this.#tabs.join(name, (message) => this.#receive(message as TabMessage));
    this.#follow();
  }

  #follow(): void {
    this.#elect(false);
    this.#post({ type: "hello" });
    this.#watch();
  }

  #elect(steal: boolean): void {
    this.#giveUp();
    this.#giveUp = this.#tabs.lead(this.#name, { onLead: () => this.#lead(), onLost: () => this.#lost() }, steal);
  }

  #lead(): void {
    this.#cancelWatch();
    this.#isLeading = true;
    this.#post({ type: "leading" });
    const { state } = this.status.get();
    const wasShown = this.#isIn && (state === "live" || state === "resuming" || state === "stale");
    this.#connection.connect(wasShown ? this.#heardAt : undefined);
  }

  /** Another tab has taken the lead from this one, which must have slept. */
  #lost(): void {
    if (!this.#isLeading) return;
    this.#isLeading = false;
    this.#isIn = false;
    this.#connection.close("another tab leads");
    this.#follow();
  }

  #receive(message: TabMessage): void {
    if (this.#isLeading) {
      if (message.type === "hello") this.#post({ type: "state", kept: this.#host.keep(), status: this.status.get() });
      else if (message.type === "connect") this.#connection.connect();
      return;
    }
    switch (message.type) {
      case "leading":
        this.#isIn = false;
        this.#post({ type: "hello" });
        return;
      case "state":
        this.#heardNow();
        if (this.#isIn) return;
        this.#isIn = true;
        this.#host.adopt(isKept(message.kept) ? message.kept : undefined);
        this.status.set(message.status);
        return;
      case "text":
        this.#heardNow();
        if (this.#isIn) this.#host.onText(message.text);
        return;
      case "status":
        this.#heardNow();
        if (this.#isIn) this.status.set(message.status);
        return;
      case "hello":
      case "connect":
    }
  }

  #heardNow(): void {
    this.#heardAt = this.#environment.now();
    this.#watch();
  }

  #watch(): void {
    this.#wait(ASK_MS, () => {
      this.#post({ type: "hello" });
      this.#wait(ANSWER_MS, () => this.#elect(true));
    });
  }

  #wait(ms: number, run: () => void): void {
    this.#cancelWatch();
    this.#cancelWatch = this.#environment.after(ms, run);
  }

  #post(message: TabMessage): void {
    this.#channel?.post(message);
  }
}

/**
 * Tabs share a stream when they are the same user with the same rights. Without a token the browser's one cookie counts.
 * Undefined for a token that does not say whose it is.
 */
export async function sharedNameOf(address: string, source: TokenSource | undefined): Promise<string | undefined> {
  if (source === undefined) return `broadtape ${address}`;
  const claims = claimsOf(typeof source === "function" ? await source() : source);
  if (claims === undefined) return undefined;
  const ofToken = ["exp", "iat", "nbf", "jti"];
  const entries = Object.entries(claims).filter(([name]) => !ofToken.includes(name));
  return `broadtape ${address} ${JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}
