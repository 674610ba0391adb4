/** Event streams that a test answers by hand, below the SDK's own reading of them; and tabs without a browser. */
import type { StreamEnvironment, TabChannel, Tabs } from "../src/streams/environment.ts";
import { FakeEnvironment, idOf } from "./fake-environment.ts";

export const TIME = "2026-11-21T12:00:00.000Z";

/** The server's side of one request. */
export class FakeStream {
  readonly url: string;
  readonly init: RequestInit;
  readonly #answer: (response: Response) => void;
  readonly #fail: (error: unknown) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(url: string, init: RequestInit, answer: (response: Response) => void, fail: (error: unknown) => void) {
    this.url = url;
    this.init = init;
    this.#answer = answer;
    this.#fail = fail;
    init.signal?.addEventListener("abort", () => fail(new DOMException("aborted", "AbortError")));
  }

  get headers(): Readonly<Record<string, string>> {
    // The SDK gives them as an object.
    return this.init.headers as Record<string, string>;
  }

  get isAborted(): boolean {
    return this.init.signal?.aborted === true;
  }

  async accept(): Promise<void> {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (this.#controller = controller) });
    this.#answer(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
    await turn();
  }

  async refuse(status: number, body: unknown = {}, headers: Record<string, string> = {}): Promise<void> {
    this.#answer(new Response(status === 204 ? null : JSON.stringify(body), { status, headers }));
    await turn();
  }

  async sayText(text: string): Promise<void> {
    if (!this.isAborted) this.#controller?.enqueue(new TextEncoder().encode(text));
    await turn();
  }

  async say(event: string, data: object, id?: string): Promise<void> {
    const line = id === undefined ? "" : `id: ${id}\n`;
    await this.sayText(`event: ${event}\ndata: ${JSON.stringify(data)}\n${line}retry: 5000\n\n`);
  }

  /** An event at this place in the log. */
  async tell(event: string, offset: number, data: object): Promise<void> {
    await this.say(event, { ...data, timestamp: TIME, eventId: idOf(offset) }, idOf(offset));
  }

  async greet(user = "ann", stream = "orders"): Promise<void> {
    await this.accept();
    await this.say("connected", { clientId: `${user}-${stream}-1700000000000`, stream, timestamp: TIME });
  }

  async end(): Promise<void> {
    this.#controller?.close();
    await turn();
  }

  async fail(): Promise<void> {
    if (this.#controller === undefined) this.#fail(new TypeError("the network is down"));
    else this.#controller.error(new TypeError("reset"));
    await turn();
  }
}

export class FakeStreamEnvironment extends FakeEnvironment {
  readonly streams: FakeStream[] = [];
  readonly tabs: Tabs | undefined;

  constructor(tabs?: Tabs) {
    super();
    this.tabs = tabs;
  }

  readonly fetch: StreamEnvironment["fetch"] = (url, init) =>
    new Promise((resolve, reject) => void this.streams.push(new FakeStream(url, init, resolve, reject)));

  get stream(): FakeStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error("no stream was asked for");
    return stream;
  }

  /** Lets time pass, and what the platform does meanwhile. */
  async wait(ms: number): Promise<void> {
    await turn();
    await this.pass(ms);
    await turn();
  }
}

/** Streams and promises of the platform have been worked off. */
export async function turn(): Promise<void> {
  for (let times = 0; times < 3; times++) await new Promise((resolve) => setImmediate(resolve));
}

/** A tab as its browser sees it. */
export interface FakeTab {
  readonly tabs: Tabs;
  /** It hears nothing and says nothing of its own accord while it does. */
  isAsleep: boolean;
}

interface Claim {
  readonly onLead: () => void;
  readonly onLost: () => void;
}

/** The tabs of one browser: messages arrive a microtask later, copies as real ones would be. */
export class FakeBrowser {
  readonly #members = new Map<string, Set<(message: unknown) => void>>();
  readonly #claims = new Map<string, Claim[]>();

  open(): FakeTab {
    const tab: FakeTab = {
      tabs: { join: (name, hear) => this.#join(name, hear, tab), lead: (...terms) => this.#lead(...terms) },
      isAsleep: false,
    };
    return tab;
  }

  #join(name: string, hear: (message: unknown) => void, tab: FakeTab): TabChannel {
    const members = this.#members.get(name) ?? new Set();
    this.#members.set(name, members);
    const own = (message: unknown) => {
      if (!tab.isAsleep) hear(message);
    };
    members.add(own);
    return {
      post: (message) => {
        const copy = structuredClone(message);
        for (const other of members) if (other !== own) queueMicrotask(() => members.has(other) && other(copy));
      },
      close: () => void members.delete(own),
    };
  }

  #lead(name: string, claim: Claim, steal: boolean): () => void {
    const claims = this.#claims.get(name) ?? [];
    this.#claims.set(name, claims);
    const leader = steal ? claims.shift() : undefined;
    if (steal) claims.unshift(claim);
    else claims.push(claim);
    const tell = () => {
      const [first] = claims;
      if (first !== undefined) queueMicrotask(() => claims[0] === first && first.onLead());
    };
    if (claims[0] === claim) tell();
    if (leader !== undefined) queueMicrotask(() => leader.onLost());
    return () => {
      const place = claims.indexOf(claim);
      if (place >= 0) claims.splice(place, 1);
      if (place === 0) tell();
    };
  }
}
