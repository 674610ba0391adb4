/** The native protocol over server-sent events, with commands posted beside: where proxies block WebSocket. */
import { createParser } from "eventsource-parser";
import type { ClientMessage } from "@broadtape/protocol/native";
import { type Link, type LinkEnd, type LinkRequest, parseMessage, queryOf } from "./link.ts";
import { NATIVE_STREAM_PATH } from "./paths.ts";

/** What one post of several commands may be long; the server takes 64 KiB. */
const MAX_POST_CHARS = 20_000;

export function openStreamLink(request: LinkRequest): Link {
  const stream = new StreamLink(request);
  void stream.run();
  return stream;
}

class StreamLink implements Link {
  readonly #request: LinkRequest;
  readonly #abort = new AbortController();
  #token: string | undefined;
  #connectionId: string | undefined;
  #opened = false;
  /** Commands that wait for the one that is on its way: they arrive in order. */
  readonly #waiting: string[] = [];
  #isPosting = false;

  constructor(request: LinkRequest) {
    this.#request = request;
    this.#token = request.token;
  }

  send(message: ClientMessage): void {
    // An open response is sign of life enough.
    if (message.type === "pong" || this.#abort.signal.aborted) return;
    if (message.type === "reauthenticate") this.#token = message.token;
    this.#waiting.push(JSON.stringify(message));
    if (!this.#isPosting) void this.#postAll();
  }

  close(): void {
    this.#abort.abort();
  }

  /** Reads the stream to its end; never rejects. */
  async run(): Promise<void> {
    let refusal: Omit<LinkEnd, "opened"> = {};
    try {
      const response = await fetch(`${this.#request.url}${NATIVE_STREAM_PATH}${queryOf(this.#request.clientId)}`, {
        headers: { ...this.#authorization(), Accept: "text/event-stream" },
        credentials: "include",
        cache: "no-store",
        signal: this.#abort.signal,
      });
      const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
      if (!response.ok) refusal = refusalOf(response);
      else if (isStream && response.body !== null) await this.#read(response.body);
    } catch {
      // The network or close() ended it; either way it is over.
    }
    this.#end(refusal);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent: ({ data }) => {
        const message = parseMessage(data);
        if (message === undefined || this.#abort.signal.aborted) return;
        if (message.type === "welcome") this.#connectionId = message.connectionId;
        this.#opened = true;
        this.#request.events.onMessage(message);
      },
    });
    const reader = body.getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
      parser.feed(decoder.decode(chunk.value, { stream: true }));
  }

  /** A command that could not be posted ends the link: what it asked for is asked again on the next one. Never rejects. */
  async #postAll(): Promise<void> {
    this.#isPosting = true;
    while (this.#waiting.length > 0 && !this.#abort.signal.aborted) {
      const commands = [this.#waiting.shift()];
      for (let chars = commands[0]?.length ?? 0; this.#waiting[0] !== undefined; commands.push(this.#waiting.shift())) {
        chars += this.#waiting[0].length;
        if (chars > MAX_POST_CHARS) break;
      }
      const refusal = await this.#post(`[${commands.join(",")}]`);
      if (refusal !== undefined) this.#end(refusal);
    }
    this.#isPosting = false;
  }

  async #post(body: string): Promise<Omit<LinkEnd, "opened"> | undefined> {
    try {
      const response = await fetch(`${this.#request.url}${NATIVE_STREAM_PATH}/${this.#connectionId ?? ""}/commands`, {
        method: "POST",
        headers: { ...this.#authorization(), "Content-Type": "application/json" },
        credentials: "include",
        body,
        signal: this.#abort.signal,
      });
      return response.ok ? undefined : refusalOf(response);
    } catch {
      return {};
    }
  }

  #authorization(): Record<string, string> {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` };
  }

  #end(refusal: Omit<LinkEnd, "opened">): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#request.events.onClose({ opened: this.#opened, ...refusal });
  }
}

function refusalOf({ status, headers }: Response): Omit<LinkEnd, "opened"> {
  const retryAfterMs = Number(headers.get("Retry-After") ?? NaN) * 1000;
  return { ...(status === 401 && { code: "AUTH_FAILED" }), ...(retryAfterMs >= 0 && { retryAfterMs }) };
}
