/** The native protocol over server-sent events, with commands posted beside: where proxies block WebSocket. */
import { createParser } from "eventsource-parser";
import type { ClientMessage } from "@broadtape/protocol/native";
import type { Environment } from "./environment.ts";
import { type Link, type LinkRequest, parseMessage } from "./link.ts";
import { NATIVE_STREAM_PATH } from "./paths.ts";

export function openStreamLink(request: LinkRequest, environment: Environment): Link {
  const stream = new StreamLink(request, environment);
  void stream.run();
  return stream;
}

class StreamLink implements Link {
  readonly #request: LinkRequest;
  readonly #environment: Environment;
  readonly #abort = new AbortController();
  readonly #headers: Record<string, string>;
  #connectionId: string | undefined;
  #opened = false;
  /** Commands go one after the other, in order. */
  #sending: Promise<void> = Promise.resolve();

  constructor(request: LinkRequest, environment: Environment) {
    this.#request = request;
    this.#environment = environment;
    this.#headers = request.token === undefined ? {} : { Authorization: `Bearer ${request.token}` };
  }

  send(message: ClientMessage): void {
    this.#sending = this.#sending.then(() => this.#post(message));
  }

  close(): void {
    this.#abort.abort();
  }

  /** Reads the stream to its end; never rejects. */
  async run(): Promise<void> {
    const { url, clientId, events } = this.#request;
    const query = clientId === undefined ? "" : `?clientId=${encodeURIComponent(clientId)}`;
    let unauthorized = false;
    try {
      const response = await this.#environment.fetch(`${url}${NATIVE_STREAM_PATH}${query}`, {
        headers: { ...this.#headers, Accept: "text/event-stream" },
        credentials: "include",
        signal: this.#abort.signal,
      });
      unauthorized = response.status === 401 || response.status === 403;
      if (response.ok && response.body !== null) await this.#read(response.body);
    } catch {
      // The network or close() ended it; either way it is over.
    }
    if (!this.#abort.signal.aborted) events.onClose({ opened: this.#opened, unauthorized });
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
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) parser.feed(decoder.decode(chunk.value, { stream: true }));
  }

  /** A command that could not be posted ends the link: what it asked for is asked again on the next one. */
  async #post(message: ClientMessage): Promise<void> {
    if (this.#connectionId === undefined || this.#abort.signal.aborted) return;
    try {
      const response = await this.#environment.fetch(`${this.#request.url}${NATIVE_STREAM_PATH}/${this.#connectionId}/commands`, {
        method: "POST",
        headers: { ...this.#headers, "Content-Type": "application/json" },
        credentials: "include",
        body: JSON.stringify(message),
        signal: this.#abort.signal,
      });
      if (response.ok) return;
    } catch {
      // Told below.
    }
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#request.events.onClose({ opened: this.#opened, unauthorized: false });
  }
}
