/**
 * What a client says on one connection, in its order. What looks at views waits until everything is here that was stored when it was said
 * (`Engine.current`), and what was said after it waits with it; on one node nothing waits.
 */
import type { Engine } from "./engine.ts";

export class Abreast {
  readonly #host: Pick<Engine, "current">;
  /** Settles when what was said last may be carried out; undefined where nothing waits. Never rejects. */
  #turn: Promise<unknown> | undefined;

  constructor(host: Pick<Engine, "current">) {
    this.#host = host;
  }

  /** The turn of what has just been said; undefined where that is now. Whoever waited looks whether the connection is still there. */
  turn(looksAtViews: boolean): Promise<unknown> | undefined {
    const current = looksAtViews ? this.#host.current() : undefined;
    if (current === undefined) return this.#turn;
    const turn = Promise.all([this.#turn, current]).then(() => {
      if (this.#turn === turn) this.#turn = undefined;
    });
    this.#turn = turn;
    return turn;
  }
}
