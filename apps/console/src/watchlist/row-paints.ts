/**
 * When rows are drawn anew: a third of them at a frame, each with its newest value. So the work of a burst is spread over
 * 50 ms, which no eye tells apart, and every frame has the same to do.
 */

const TURNS = 3;

export class RowPaints {
  readonly #listeners = new Map<string, { readonly turn: number; readonly listeners: Set<() => void> }>();
  /** Of each turn: symbols that changed since it was theirs. */
  readonly #changed: readonly Set<string>[] = Array.from({ length: TURNS }, () => new Set<string>());
  #turn = 0;
  #isScheduled = false;
  #registered = 0;

  /** Calls back in the row's next turn after each change. */
  watch(symbol: string, listener: () => void): () => void {
    const row = this.#listeners.get(symbol) ?? { turn: this.#registered++ % TURNS, listeners: new Set() };
    this.#listeners.set(symbol, row);
    row.listeners.add(listener);
    return () => {
      row.listeners.delete(listener);
      if (row.listeners.size === 0 && this.#listeners.get(symbol) === row) this.#listeners.delete(symbol);
    };
  }

  changed(symbol: string): void {
    const row = this.#listeners.get(symbol);
    if (row === undefined) return;
    this.#changed[row.turn]?.add(symbol);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    this.#isScheduled = false;
    this.#turn = (this.#turn + 1) % TURNS;
    const due = this.#changed[this.#turn];
    const symbols = [...(due ?? [])];
    due?.clear();
    for (const symbol of symbols) for (const listener of [...(this.#listeners.get(symbol)?.listeners ?? [])]) listener();
    if (this.#changed.some(({ size }) => size > 0)) this.#schedule();
  }
}
