/** Stock clients of the money feed (contract 30-transactions) as its tests use them, and events whose digits are the test's. */
import { type Socket, io } from "socket.io-client";
import WebSocket from "ws";
import { type Answer, type TestServer, publish, token, until } from "../server.ts";

export type Told = Record<string, unknown> & { readonly type: string; readonly eventId: string };
export type Claims = Parameters<typeof token>[0];

export interface FeedClient {
  readonly told: readonly Told[];
  /** As they came, byte for byte. */
  readonly texts: readonly string[];
  readonly closed: Promise<string>;
  say(message: unknown): void;
  /** Subscribes and waits for the answer. */
  subscribe(message?: Record<string, unknown>): Promise<Told>;
  all(type: string): Told[];
  first(type: string, skip?: number): Promise<Told>;
  /** Ids of transactions, as often as they were told. */
  ids(): string[];
  /** Waits until this transaction was told; returns the ids of all that were. */
  idsUpTo(id: string): Promise<string[]>;
  close(): void;
}

export interface PlainClient extends FeedClient {
  readonly socket: WebSocket;
}

export const FEED = "/api/v1/ws/transactions";
export const EVENT_ID = /^EV-[0-9a-f]{16}$/;

interface Heard {
  readonly told: Told[];
  readonly texts: string[];
}

export interface FeedClients {
  plain(claims?: Claims, query?: string, url?: string): Promise<PlainClient>;
  /** Over Socket.IO. */
  named(claims?: Claims, auth?: Record<string, string>): Promise<FeedClient & { readonly socket: Socket }>;
  stream(claims?: Claims, query?: string, lastEventId?: string): Promise<FeedClient & { readonly response: Response }>;
  end(): void;
}

export function feedClients(server: () => Pick<TestServer, "url">): FeedClients {
  const closers: (() => void)[] = [];

  function client(heard: Heard, closed: Promise<string>, say: (message: unknown) => void, close: () => void): FeedClient {
    closers.push(close);
    const all = (type: string) => heard.told.filter((each) => each.type === type);
    const first = (type: string, skip = 0) =>
      until(
        () => all(type)[skip],
        () => heard.told,
      );
    const ids = () => all("transaction").map(({ transaction }) => (transaction as { id: string }).id);
    return {
      ...heard,
      closed,
      say,
      close,
      all,
      first,
      ids,
      subscribe(message = {}) {
        const before = all("subscribed").length;
        say({ type: "subscribe", ...message });
        return first("subscribed", before);
      },
      idsUpTo: (id) =>
        until(
          () => ids().includes(id) && ids(),
          () => heard.told,
        ),
    };
  }

  async function plain(claims: Claims = {}, query = "", url = server().url): Promise<PlainClient> {
    const heard: Heard = { told: [], texts: [] };
    const socket = new WebSocket(`${url.replace("http", "ws")}${FEED}${query}`, {
      headers: { authorization: `Bearer ${await token(claims)}` },
    });
    socket.on("message", (text: Buffer) => {
      heard.texts.push(text.toString());
      heard.told.push(JSON.parse(text.toString()) as Told);
    });
    // Answered with anything but an upgrade, it says so here and nothing else.
    const refused = new Promise<never>((_resolve, reject) => socket.on("error", reject));
    refused.catch(() => undefined);
    const closed = new Promise<string>((resolve) => socket.on("close", (code, reason) => resolve(`${code} ${reason.toString()}`)));
    const say = (message: unknown) =>
      socket.send(typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message));
    const opened = { ...client(heard, closed, say, () => socket.terminate()), socket };
    // "connected", or why not.
    await Promise.race([until(() => heard.told.length > 0), refused]);
    return opened;
  }

  async function named(claims: Claims = {}, auth: Record<string, string> = {}) {
    const heard: Heard = { told: [], texts: [] };
    const socket = io(`${server().url}${FEED}`, {
      auth: { token: await token(claims), ...auth },
      forceNew: true,
      reconnection: false,
      transports: ["websocket"],
    });
    socket.io.on("open", () => {
      socket.io.engine.on("packet", ({ type, data }: { type: string; data?: unknown }) => {
        if (type === "message") heard.texts.push(String(data));
      });
    });
    socket.onAny((name: string, body: Told) => heard.told.push(name === "event" ? body : { ...body, type: name }));
    const closed = new Promise<string>((resolve) => socket.on("disconnect", resolve));
    const say = (message: unknown) => {
      const { type, ...body } = message as Told;
      socket.emit(type, body);
    };
    const opened = { ...client(heard, closed, say, () => socket.disconnect()), socket };
    await until(() => heard.told.length > 0);
    return opened;
  }

  async function stream(claims: Claims = {}, query = "", lastEventId?: string) {
    const heard: Heard = { told: [], texts: [] };
    const abort = new AbortController();
    const response = await fetch(`${server().url}/api/v1/sse/transactions${query}`, {
      signal: abort.signal,
      headers: { authorization: `Bearer ${await token(claims)}`, ...(lastEventId !== undefined && { "last-event-id": lastEventId }) },
    });
    const closed = read(response, heard).then(
      () => "ended",
      () => "broken",
    );
    const say = () => {
      throw new Error("a stream takes no messages");
    };
    return { ...client(heard, closed, say, () => abort.abort()), response };
  }

  const end = () => {
    for (const close of closers.splice(0)) close();
  };
  return { plain, named, stream, end };
}

/** Each event of the stream: its type, its id, and its data. */
async function read(response: Response, heard: Heard): Promise<void> {
  let rest = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + part).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      heard.texts.push(block);
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data === undefined) continue;
      const type = /^event: (.*)$/m.exec(block)?.[1] ?? "message";
      const id = /^id: (.*)$/m.exec(block)?.[1];
      heard.told.push({ ...(JSON.parse(data) as Told), type, ...(id !== undefined && { streamId: id }) });
    }
  }
}

/** Fields of an event as JSON text, so that digits are the test's. */
export type Raw = Readonly<Record<string, string>>;

const textOf = (fields: Raw) =>
  `{${Object.entries(fields)
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    .join(",")}}`;

const eventText = (type: string, userId: string, what: string, fields: Raw) =>
  `{"type":"${type}","data":{"userId":${JSON.stringify(userId)},"${what}":${textOf(fields)}}}`;

export function payment(userId: string, id: string, fields: Raw = {}, type = "transaction.completed"): string {
  const own = { amount: "10", currency: '"NGN"', type: '"TRANSFER"', status: '"SUCCESS"', createdAt: '"2026-01-02T03:04:05Z"' };
  return eventText(type, userId, "transaction", { id: JSON.stringify(id), ...own, ...fields });
}

export function balance(userId: string, currency: string, available: string): string {
  const amounts = { availableBalance: available, ledgerBalance: available, pendingAmount: "0", lockedAmount: "0.00" };
  return eventText("wallet.balance", userId, "wallet", { currency: JSON.stringify(currency), ...amounts });
}

export const walletChange = (userId: string, action: string) =>
  eventText("wallet.changed", userId, "wallet", { currency: '"NGN"', action: JSON.stringify(action), status: '"ACTIVE"' });

export const fraudAlert = (userId: string, fields: Raw = {}) =>
  eventText("fraud.alert", userId, "alert", {
    transactionId: '"t"',
    riskScore: "0.970",
    reason: '"unusual"',
    action: '"REVIEW"',
    ...fields,
  });

/** As one batch; returns the event ids. */
export async function tell(server: Pick<TestServer, "url">, events: readonly string[], bearer?: string): Promise<string[]> {
  const answer: Answer = await publish(server.url, `[${events.join(",")}]`, bearer === undefined ? {} : { bearer });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body.results.map(({ eventId }) => eventId);
}

export const payments = (userId: string, ids: readonly string[]) => ids.map((id) => payment(userId, id));
