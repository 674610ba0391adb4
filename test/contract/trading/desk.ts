/** Stock clients of the default namespace (contract 40-trading) as its tests use them, and events whose digits are the test's. */
import { SignJWT } from "jose";
import { io as ioNow, type Socket } from "socket.io-client";
import { SECRET, type TestServer, publish, publisherToken, until } from "../server.ts";

export type Body = Record<string, unknown>;
export type Step = readonly [name: string, body: Body];

export interface Claims {
  readonly sub?: string;
  readonly tenantId?: string;
  readonly permissions?: readonly string[];
  readonly team?: readonly string[];
  readonly ttlMs?: number;
}

export interface Snapshot {
  readonly orders: readonly Body[];
  readonly positions: readonly Body[];
  readonly balances?: readonly Body[];
}

export interface Answer extends Body {
  readonly eventId: string;
  readonly snapshot: Snapshot;
}

export interface TradingClient {
  readonly socket: Socket;
  readonly told: readonly Step[];
  /** Packets as they came, byte for byte. */
  readonly texts: readonly string[];
  readonly closed: Promise<string>;
  all(name: string): Body[];
  first(name: string, skip?: number): Promise<Body>;
  /** What was told of the log, in order. */
  events(): Step[];
  /** Ids of the orders, positions and trades that were told, in order. */
  ids(): string[];
  ask(name: string, ...body: unknown[]): Promise<Body>;
  /** Subscribes and returns the answer, which must be one. */
  follow(channel?: string, after?: unknown): Promise<Answer>;
  /** Ends the connection, and resolves when the server has noticed. */
  leave(): Promise<void>;
}

export interface ConnectOptions {
  readonly io?: typeof ioNow;
  readonly reconnection?: boolean;
  readonly auth?: object;
  /** What the application does whenever it is connected, as the seed's client does. */
  readonly onConnect?: (socket: Socket) => void;
  readonly transports?: string[];
}

export const MONITOR = "trading:monitor";
export const EVENT_ID = /^\d+-[0-9a-z]{9,}$/;
export const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const EVENTS = /^(order|position|trade|balance):/;

export async function bearer({
  sub = "ann",
  tenantId = "tenant",
  permissions = [],
  team,
  ttlMs = 3_600_000,
}: Claims = {}): Promise<string> {
  return new SignJWT({ tenantId, permissions: [...permissions], ...(team !== undefined && { team: [...team] }) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setExpirationTime((Date.now() + ttlMs) / 1000)
    .sign(new TextEncoder().encode(SECRET));
}

export function tradingClients(server: () => Pick<TestServer, "url" | "nodeUrls">): {
  connect(claims?: Claims, options?: ConnectOptions): Promise<TradingClient>;
  /** One that is not let in. Resolves when it was sent away. */
  knock(claims: Claims, auth: object): Promise<{ readonly socket: Socket; readonly errors: readonly Body[] }>;
  end(): void;
} {
  const sockets: Socket[] = [];
  const connections = async () => {
    const ofNodes = await Promise.all(server().nodeUrls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return [...ofNodes.join("\n").matchAll(/^broadtape_connections\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  async function connect(claims: Claims = {}, options: ConnectOptions = {}): Promise<TradingClient> {
    const { io = ioNow, reconnection = false, auth = {}, transports = ["websocket"] } = options;
    const token = await bearer(claims);
    const quick = { reconnection, reconnectionDelay: 20, reconnectionDelayMax: 50 };
    const socket = io(server().url, { auth: { token, ...auth }, forceNew: true, transports, ...quick });
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
    socket.on("connect", () => options.onConnect?.(socket));
    const all = (name: string) => told.filter(([each]) => each === name).map(([, body]) => body);
    const events = () => told.filter(([name]) => EVENTS.test(name));
    const client: TradingClient = {
      socket,
      told,
      texts,
      closed,
      all,
      events,
      first: (name, skip = 0) =>
        until(
          () => all(name)[skip],
          () => told,
        ),
      ids: () => events().map(([, body]) => idOf(body)),
      ask: (name, ...body) => new Promise((resolve) => socket.emit(name, ...body, resolve)),
      async follow(channel = "trading", after) {
        const answer = await client.ask("subscribe", { channel, ...(after !== undefined && { after }) });
        if (answer["success"] !== true) throw new Error(`${channel} cannot be followed: ${JSON.stringify(answer)}`);
        return answer as Answer;
      },
      async leave() {
        const lives = await connections();
        socket.disconnect();
        await until(async () => (await connections()) < lives);
      },
    };
    await client.first("connected");
    return client;
  }
  async function knock(claims: Claims, auth: object) {
    const given = { token: await bearer(claims), ...auth };
    const socket = ioNow(server().url, { auth: given, forceNew: true, reconnection: false, transports: ["websocket"] });
    sockets.push(socket);
    const errors: Body[] = [];
    socket.on("error", (error: Body) => errors.push(error));
    await new Promise((resolve) => socket.once("disconnect", resolve));
    return { socket, errors };
  }
  const end = () => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  };
  return { connect, knock, end };
}

/** Of the order, position or trade that a message is about; a balance's currency. */
export function idOf(body: Body): string {
  const about = (body["order"] ?? body["position"] ?? body["trade"] ?? body["balance"]) as {
    readonly id?: string;
    readonly currency?: string;
  };
  return about.id ?? about.currency ?? "";
}

const TIME = "2026-11-21T12:00:00.000Z";

export const order = (id: string, over: Body = {}) => ({
  order: {
    id,
    symbol: "EURUSD",
    side: "buy",
    type: "limit",
    quantity: "1000000.00",
    price: "1.08500",
    status: "open",
    filledQuantity: "0",
    averagePrice: null,
    createdAt: TIME,
    ...over,
  },
});
export const position = (id: string, over: Body = {}) => ({
  position: {
    id,
    symbol: "EURUSD",
    side: "long",
    quantity: "10",
    entryPrice: "100.00",
    currentPrice: "100.00",
    unrealizedPnL: "0.00",
    unrealizedPnLPercent: "0.00",
    realizedPnL: "0.00",
    totalPnL: "0.00",
    status: "open",
    openedAt: TIME,
    ...over,
  },
});
export const trade = (id: string, over: Body = {}) => ({
  trade: {
    id,
    orderId: "o",
    symbol: "EURUSD",
    side: "buy",
    type: "entry",
    quantity: "10",
    price: "100.00",
    value: "1000.00",
    fee: "1.170",
    executedAt: TIME,
    ...over,
  },
});
export const balance = (currency: string, total = "10.50") => ({ balance: { currency, total, available: total, locked: "0.00" } });

export interface TradingEvent extends Body {
  readonly type: string;
  readonly data: Body;
}

/** `type` without `trading.`; attributes of the event, such as its `time`, in `more`. */
export const say = (type: string, userId: string, about: Body, more: Body = {}): TradingEvent => ({
  ...more,
  type: `trading.${type}`,
  data: { userId, ...about },
});
export const created = (userId: string, id: string, over: Body = {}) => say("order.created", userId, order(id, over));

/** As one batch of events, or of their JSON text; returns the event ids. */
export async function tell(
  server: Pick<TestServer, "url">,
  events: readonly (TradingEvent | string)[],
  tenantId = "tenant",
): Promise<string[]> {
  const texts = events.map((event) => (typeof event === "string" ? event : JSON.stringify(event)));
  const answer = await publish(server.url, `[${texts.join(",")}]`, { bearer: await publisherToken(tenantId) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body.results.map(({ eventId }) => eventId);
}

/**
 * Resolves when a client was told everything that was published before: what looks at views, as this would if there were such a channel, waits until
 * its node has everything, and an answer never overtakes what it counts on.
 */
export async function upToNow(client: TradingClient): Promise<void> {
  await client.ask("subscribe", { channel: "none" });
  await client.ask("ping");
}
