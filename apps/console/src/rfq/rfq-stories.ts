/** What a trader's feed tells once and no state keeps: how long an RFQ was given, why it was cancelled, how it was filled. */
import type { RfqEventBody, RfqStreamingClient } from "@broadtape/client/rfq";

export interface RfqStory {
  /** From its creation to its end, by the server's clock. */
  readonly spanSeconds?: number;
  readonly reason?: string;
  readonly tradeId?: string;
}

/** As many as a trader's list has. */
const MAX_STORIES = 200;

export class RfqStories {
  readonly #stories = new Map<string, RfqStory>();

  /** Listens to the feed of this client's trader until the client is disconnected. */
  constructor(client: RfqStreamingClient) {
    client.on("rfq:created", (body) => this.#add(body, { spanSeconds: spanOf(body) }));
    client.on("rfq:cancelled", (body) => this.#add(body, { reason: textOf(body["reason"]) }));
    client.on("rfq:filled", (body) => this.#add(body, { tradeId: textOf(body["tradeId"]) }));
  }

  of(rfqId: string): RfqStory {
    return this.#stories.get(rfqId) ?? {};
  }

  #add({ rfqId }: RfqEventBody, more: { [Key in keyof RfqStory]: RfqStory[Key] | undefined }): void {
    if (rfqId === undefined) return;
    const known = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
    this.#stories.set(rfqId, { ...this.#stories.get(rfqId), ...known });
    const [oldest] = this.#stories.keys();
    if (this.#stories.size > MAX_STORIES && oldest !== undefined) this.#stories.delete(oldest);
  }
}

function spanOf({ expiresAt, serverTime }: RfqEventBody): number | undefined {
  const span = (Date.parse(String(expiresAt)) - Number(serverTime)) / 1000;
  return span > 0 ? span : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
