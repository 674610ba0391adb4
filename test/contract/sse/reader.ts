/** A reader of event streams that keeps every byte: plain HTTP of Node, parsed by the stock parser `eventsource-parser`. */
import { type IncomingHttpHeaders, request } from "node:http";
import { createGunzip } from "node:zlib";
import { createParser } from "eventsource-parser";
import { type Answer, type TestServer, publish, publisherToken, token, until } from "../server.ts";

/** Body of any message. */
export type Body = Record<string, unknown> & {
  readonly timestamp: string;
  readonly eventId: string;
  readonly positions: readonly Record<string, unknown>[];
  readonly orders: readonly Record<string, unknown>[];
};

export interface Event {
  readonly name: string;
  readonly data: Body;
  /** The data as it was written. */
  readonly text: string;
  readonly id: string | undefined;
  /** When it came, by the monotonic clock. */
  readonly at: number;
}

export interface Reader {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Decompressed. */
  text(): string;
  readonly events: readonly Event[];
  readonly comments: readonly string[];
  /** Events of this name. */
  all(name: string): readonly Event[];
  /** Names in order. */
  names(): readonly string[];
  /** Waits for an event of this name. */
  first(name: string, where?: (data: Body) => boolean): Promise<Event>;
  /** The body of an answer that is no stream. */
  json(): Promise<Record<string, unknown>>;
  pause(): void;
  resume(): void;
  close(): void;
  /** Ends it the rude way: the connection is reset. */
  reset(): void;
  isEnded(): boolean;
  readonly ended: Promise<void>;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: string;
  readonly gzip?: boolean;
  /** A bearer token; `null` asks as nobody. Default: a user of its own. */
  readonly bearer?: string | null;
}

const open: Reader[] = [];

/** For `afterEach`: ends what a test left open. */
export function closeReaders(): void {
  for (const reader of open.splice(0)) reader.close();
}

export async function read(server: Pick<TestServer, "url">, path: string, asked: Asked = {}): Promise<Reader> {
  const { method = "GET", gzip = false, body } = asked;
  const bearer = asked.bearer === undefined ? await token() : asked.bearer;
  const headers = {
    ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
    ...(gzip && { "accept-encoding": "gzip" }),
    ...(body !== undefined && { "content-type": "application/json" }),
    ...asked.headers,
  };
  return new Promise((resolve, reject) => {
    const own = request(`${server.url}${path}`, { headers, method, agent: false }, (response) => {
      let text = "";
      let isEnded = false;
      const events: Event[] = [];
      const comments: string[] = [];
      const parser = createParser({
        onEvent: ({ event, data, id }) => {
          events.push({ name: event ?? "message", data: JSON.parse(data) as Body, text: data, id, at: performance.now() });
        },
        onComment: (comment) => comments.push(comment),
        onError: (error) => {
          throw error;
        },
      });
      const isStream = response.headers["content-type"] === "text/event-stream";
      const bytes = response.headers["content-encoding"] === "gzip" ? response.pipe(createGunzip()) : response;
      const decoder = new TextDecoder();
      bytes.on("data", (part: Buffer) => {
        const more = decoder.decode(part, { stream: true });
        text += more;
        if (isStream) parser.feed(more);
      });
      const ended = new Promise<void>((end) => {
        const over = () => {
          isEnded = true;
          end();
        };
        bytes.on("end", over).on("error", over).on("close", over);
        response.on("error", over);
      });
      const all = (name: string) => events.filter((each) => each.name === name);
      const reader: Reader = {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: () => text,
        events,
        comments,
        all,
        names: () => events.map(({ name }) => name),
        first: (name, where = () => true) =>
          until(
            () => all(name).find(({ data }) => where(data)),
            () => text,
          ),
        json: async () => {
          await ended;
          return JSON.parse(text) as Record<string, unknown>;
        },
        pause: () => response.pause(),
        resume: () => response.resume(),
        close: () => own.destroy(),
        reset: () => own.socket?.resetAndDestroy(),
        isEnded: () => isEnded,
        ended,
      };
      open.push(reader);
      resolve(reader);
    });
    own.on("error", reject);
    own.end(body);
  });
}

/** Each event as it stands on the wire, without the empty line that ends it. */
export function blocksOf(text: string): string[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .filter((block) => !block.startsWith(":"));
}

export const ID = /^\d{13}-[0-9a-z]{9,}$/;
export const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let last = 0;
/** A name that nothing in the test server has yet. */
export const fresh = (word: string) => `${word}-${++last}`;

export interface Draft {
  readonly type: string;
  readonly data: object;
  readonly correlationid?: string;
  readonly time?: string;
}

/** Publishes events of a tenant; returns their ids. */
export async function say(
  server: Pick<TestServer, "url">,
  drafts: Draft | readonly Draft[],
  tenantId = "tenant",
  headers: Record<string, string> = {},
): Promise<string[]> {
  return idsOf(await publish(server.url, drafts, { bearer: await publisherToken(tenantId), headers }));
}

export function idsOf({ status, text, body }: Answer): string[] {
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return body.results.map(({ eventId }) => eventId);
}

export const order = (userId: string, over: object = {}, word = "created", more: object = {}): Draft => ({
  type: `trading.order.${word}`,
  data: {
    userId,
    order: {
      id: "o-1",
      symbol: "AAPL",
      side: "buy",
      type: "limit",
      quantity: "10",
      price: "150.00",
      status: "new",
      filledQuantity: "0",
      averagePrice: null,
      createdAt: "2026-01-02T10:30:00Z",
      ...over,
    },
    ...more,
  },
});

export const position = (userId: string, over: object = {}, word = "opened"): Draft => ({
  type: `trading.position.${word}`,
  data: {
    userId,
    position: {
      id: "p-1",
      symbol: "AAPL",
      side: "long",
      quantity: "10",
      entryPrice: "100.10",
      currentPrice: "100.10",
      unrealizedPnL: "0",
      unrealizedPnLPercent: "0",
      realizedPnL: "0",
      totalPnL: "0",
      status: "open",
      openedAt: "2026-01-02T10:30:00Z",
      ...over,
    },
  },
});

export const alert = (userId: string, message: string, level = "info"): Draft => ({
  type: "alert.triggered",
  data: { userId, alertId: fresh("alert"), level, message },
});

/** Texts of a stream's alerts in the order in which they came. */
export const alertsOf = (reader: Reader) => reader.all("alert:new").map(({ data }) => data["message"]);
