/** The dealing desk: what a trader asks of it, by HTTP. What becomes of it is told on the RFQ's topic. */

export type DealSide = "buy" | "sell";

export interface Ticket {
  readonly symbol: string;
  readonly side: DealSide | "two-way";
  /** A decimal: the desk reads its digits. */
  readonly quantity: string;
  readonly seconds: number;
}

export interface Acceptance {
  /** The best quote where none is named. */
  readonly quoteId?: string | undefined;
  /** Which side of a two-way RFQ is dealt. */
  readonly side?: DealSide | undefined;
}

/** Why the desk did not do as it was asked, in its own words. */
export class DeskRefusal extends Error {
  override readonly name = "DeskRefusal";
}

export class Desk {
  readonly #fetch: typeof fetch;

  /** @param authorized sends the trader's token along */
  constructor(authorized: typeof fetch) {
    this.#fetch = authorized;
  }

  /** Asks for quotes; resolves with the new RFQ's id. */
  async request(ticket: Ticket): Promise<string> {
    const rfqId = fieldOf(await this.#post("api/demo/rfqs", ticket), "rfqId");
    if (rfqId === undefined) throw new DeskRefusal("The desk's answer names no RFQ.");
    return rfqId;
  }

  async accept(rfqId: string, acceptance: Acceptance): Promise<void> {
    await this.#post(`${pathOf(rfqId)}/accept`, acceptance);
  }

  async cancel(rfqId: string): Promise<void> {
    await this.#post(`${pathOf(rfqId)}/cancel`, {});
  }

  async #post(path: string, body: object): Promise<unknown> {
    const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await this.#fetch(path, request).catch(() => undefined);
    if (response === undefined) throw new DeskRefusal("The desk cannot be reached.");
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new DeskRefusal(fieldOf(answer, "message") ?? `The desk answered ${response.status}.`);
    return answer;
  }
}

const pathOf = (rfqId: string) => `api/demo/rfqs/${encodeURIComponent(rfqId)}`;

function fieldOf(body: unknown, name: string): string | undefined {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}
