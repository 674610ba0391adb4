/** Stock clients of `/rfq` (contract 20-rfq) as its tests use them, and RFQs whose digits are the test's. */
import { SignJWT } from "jose";
import { type Socket, io as ioNow } from "socket.io-client";
import { SECRET, type TestServer, publish, publisherToken, until } from "../server.ts";

export type Body = Record<string, unknown>;
export type Step = readonly [name: string, body: Body];

export interface Claims {
  readonly sub?: string;
  readonly tenantId?: string;
  readonly permissions?: readonly string[];
  readonly team?: readonly string[];
}

export interface State {
  readonly rfq: Body & { readonly expiresAt: string; readonly timeRemaining: number; readonly status: string };
  readonly quotes: readonly (Body & { readonly id: string })[];
  readonly composite: Body;
}

export interface RfqClient {
  readonly socket: Socket;
  readonly told: readonly Step[];
  /** Packets as they came, byte for byte. */
  readonly texts: readonly string[];
  readonly closed: Promise<string>;
  all(name: string): Body[];
  first(name: string, skip?: number): Promise<Body>;
  /** What was told of the log: without greeting, heartbeats and countdown; of one RFQ, or of all. */
  steps(rfqId?: string): Step[];
  ask(name: string, body?: unknown): Promise<Body>;
  /** Subscribes and returns the answer, which must be a state. */
  follow(rfqId: string, after?: unknown): Promise<{ rfq: State; eventId: string; serverTime: number }>;
}

export async function bearer({ sub = "ann", tenantId = "tenant", permissions = [], team }: Claims = {}): Promise<string> {
  return new SignJWT({ tenantId, permissions: [...permissions], ...(team !== undefined && { team: [...team] }) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));
}

export const EVENT_ID = /^\d+-[0-9a-z]{9,}$/;
const NOT_OF_THE_LOG = new Set(["connected", "heartbeat", "rfq:countdown"]);

export function rfqClients(server: () => TestServer): {
  connect(claims?: Claims, io?: typeof ioNow): Promise<RfqClient>;
  end(): void;
} {
  const sockets: Socket[] = [];
  async function connect(claims: Claims = {}, io: typeof ioNow = ioNow): Promise<RfqClient> {
    const auth = { token: await bearer(claims) };
    const socket = io(`${server().url}/rfq`, { auth, forceNew: true, reconnection: false, transports: ["websocket"] });
    sockets.push(socket);
    const told: Step[] = [];
    const texts: string[] = [];
    socket.io.on("open", () => {
      socket.io.engine.on("packet", ({ type, data }: { type: string; data?: unknown }) => {
        if (type === "message") texts.push(String(data));
      });
    });
    socket.onAny((name: string, body: Body) => told.push([name, body]));
    const closed = new Promise<string>((resolve) => socket.on("disconnect", resolve));
    const all = (name: string) => told.filter(([each]) => each === name).map(([, body]) => body);
    const client: RfqClient = {
      socket,
      told,
      texts,
      closed,
      all,
      first: (name, skip = 0) =>
        until(
          () => all(name)[skip],
          () => told,
        ),
      steps: (rfqId) => told.filter(([name, body]) => !NOT_OF_THE_LOG.has(name) && (rfqId === undefined || body["rfqId"] === rfqId)),
      ask: (name, ...body) => new Promise((resolve) => socket.emit(name, ...body, resolve)),
      async follow(rfqId, after) {
        const answer = await client.ask("subscribe:rfq", { rfqId, ...(after !== undefined && { after }) });
        if (answer["success"] !== true) throw new Error(`${rfqId} cannot be followed: ${JSON.stringify(answer)}`);
        return answer as unknown as { rfq: State; eventId: string; serverTime: number };
      },
    };
    await client.first("connected");
    return client;
  }
  const end = () => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  };
  return { connect, end };
}

export const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

export interface RfqEvent {
  readonly type: string;
  readonly data: Body;
}

export const say = (type: string, rfqId: string, data: Body = {}): RfqEvent => ({ type, data: { rfqId, ...data } });
export const create = (rfqId: string, data: Body = {}) =>
  say("rfq.created", rfqId, { traderId: "ann", symbol: "EUR/USD", side: "buy", quantity: 1_000_000, expiresAt: inSeconds(600), ...data });
export const quote = (rfqId: string, quoteId: string, data: Body = {}) =>
  say("quote.received", rfqId, { quoteId, lpId: `lp-${quoteId}`, status: "valid", ...data });
export const distribute = (rfqId: string) => say("rfq.distributed", rfqId, { lpCount: 3 });
export const lapse = (rfqId: string, quoteId: string) => say("quote.expired", rfqId, { quoteId, lpId: `lp-${quoteId}` });
export const cancel = (rfqId: string) => say("rfq.cancelled", rfqId, { reason: "no longer" });
export const rank = (rfqId: string, rankings: readonly (readonly [quoteId: string, ranking: number, bid?: boolean, ask?: boolean])[]) =>
  say("quotes.ranked", rfqId, {
    rankings: rankings.map(([quoteId, ranking, isBestBid = false, isBestAsk = false]) => ({ quoteId, ranking, isBestBid, isBestAsk })),
  });

/** As one batch of events, or of their JSON text; returns the event ids. */
export async function tell(server: TestServer, events: readonly (RfqEvent | string)[], tenantId = "tenant"): Promise<string[]> {
  const texts = events.map((event) => (typeof event === "string" ? event : JSON.stringify(event)));
  const answer = await publish(server.url, `[${texts.join(",")}]`, { bearer: await publisherToken(tenantId) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body.results.map(({ eventId }) => eventId);
}

let flushed = 0;
/** Resolves when the client was told everything of the log so far: an answer never overtakes what it counts on. */
export async function upToNow(server: TestServer, client: RfqClient, { sub = "ann", tenantId = "tenant" }: Claims = {}): Promise<void> {
  const rfqId = `flush-${++flushed}`;
  await tell(server, [create(rfqId, { traderId: sub })], tenantId);
  await client.follow(rfqId);
  await client.ask("unsubscribe:rfq", { rfqId });
}

/** A seeded generator (mulberry32), so that a failing run repeats. */
export function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
