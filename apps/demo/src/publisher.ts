/** Publishes through the public API like any service would: NDJSON, ids that make repetitions harmless, patience when the server is away. */

export interface PublisherOptions {
  readonly url: string;
  readonly token: string;
  readonly fetch: typeof fetch;
  readonly wait: (ms: number) => Promise<void>;
  readonly random: () => number;
  readonly isStopped: () => boolean;
  readonly onTrouble: (message: string) => void;
  /** Default 6: after so long prices are old, and the next ones are worth more. */
  readonly tries?: number;
}

const MAX_DELAY_MS = 5000;
const TRIES = 6;

/** The server does not take these events, however often they are sent. */
export class EventsRefused extends Error {
  override readonly name = "EventsRefused";
  /** Which lines of a batch are at fault, where the server says so: 422. */
  readonly lines: ReadonlySet<number>;

  constructor(status: number, text: string) {
    super(`the server refused the demo's events: ${status} ${text}`);
    this.lines = new Set(status === 422 ? faultsOf(text) : []);
  }
}

export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Lines of NDJSON. Resolves when they are stored, or given up. Throws {@link EventsRefused} when the server refuses them: a mistake of ours. */
  async publish(lines: readonly string[]): Promise<void> {
    const { url, token, wait, random, isStopped, onTrouble, tries: most = TRIES } = this.#options;
    for (let tries = 0; tries < most && !isStopped(); tries++) {
      const answer = await this.#post(`${url}/api/v1/events`, token, lines.join("\n"));
      if (answer === "stored") return;
      if (tries === 0) onTrouble(`the server does not take events (${answer.why}); trying again`);
      const backOff = Math.min(MAX_DELAY_MS, 200 * 2 ** tries) * (0.5 + random() / 2);
      await wait(answer.retryAfterMs ?? backOff);
    }
  }

  async #post(url: string, token: string, body: string): Promise<"stored" | { why: string; retryAfterMs: number | undefined }> {
    let response: Response;
    try {
      response = await this.#options.fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" },
        body,
      });
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error), retryAfterMs: undefined };
    }
    const text = await response.text();
    if (response.ok) return "stored";
    if (response.status < 500 && response.status !== 429) throw new EventsRefused(response.status, text);
    const seconds = Number(response.headers.get("retry-after"));
    return { why: String(response.status), retryAfterMs: seconds > 0 ? seconds * 1000 : undefined };
  }
}

function faultsOf(text: string): number[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: readonly { index: number }[] };
    return (errors ?? []).map(({ index }) => index);
  } catch {
    return [];
  }
}
