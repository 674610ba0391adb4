/** A test event for the streams of a tenant, on all nodes (contract 50-sse `POST /api/stream/test`). */
import { isoTime } from "../../engine/clock.ts";
import type { Engine } from "../../engine/engine.ts";

/** What one node asks of the others. */
interface TestEvent {
  readonly tenant: string;
  /** JSON text. */
  readonly body: string;
}

export class TestEvents {
  readonly #engine: Engine;
  readonly #crowd: string;

  constructor(engine: Engine, crowd: string) {
    this.#engine = engine;
    this.#crowd = crowd;
    // What another node of this release wrote.
    engine.cluster.onAsked(this.#kind, (body) => String(this.#tellOwn(JSON.parse(body) as TestEvent)));
  }

  /** Resolves with how many streams it reached. A node that does not answer in time is left out. */
  async tell(tenant: string, message: string): Promise<number> {
    const { clock, cluster } = this.#engine;
    const test = { tenant, body: JSON.stringify({ message, timestamp: isoTime(clock.now()) }) };
    const own = this.#tellOwn(test);
    const answers = await cluster.ask(this.#kind, JSON.stringify(test));
    return answers.reduce((sum, { body }) => sum + Number(body), own);
  }

  get #kind(): string {
    return `stream-test ${this.#crowd}`;
  }

  #tellOwn({ tenant, body }: TestEvent): number {
    const readers = [...this.#engine.sessions.values()].filter(({ surface }) => surface.crowd?.name === this.#crowd);
    // Not those that were not told yet that they are connected: that is the first that a stream says.
    const reached = readers.filter(({ identity, following }) => identity.tenant === tenant && following.size > 0);
    for (const session of reached) session.say({ name: "test", body });
    return reached.length;
  }
}
