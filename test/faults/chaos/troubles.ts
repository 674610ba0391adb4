/** What was done to whom and when: for the story of a run, and for what may be asked of a node at a time. */
export interface Trouble {
  readonly what: string;
  /** Nodes that it is about; undefined: all. */
  readonly nodes: readonly string[] | undefined;
  /** Milliseconds of `performance.now()`. */
  readonly from: number;
  to: number;
  /** The process ended in it, and may not have written what it had. */
  readonly isDeadly: boolean;
}

export class Troubles {
  readonly #all: Trouble[] = [];
  readonly #startedAt = performance.now();

  get count(): number {
    return this.#all.length;
  }

  begin(what: string, nodes?: readonly string[], isDeadly = false): () => void {
    const trouble: Trouble = { what, nodes, from: performance.now(), to: Infinity, isDeadly };
    this.#all.push(trouble);
    return () => {
      trouble.to = performance.now();
    };
  }

  /** Whether nothing was wrong with this node (or with any) all that time. */
  isQuiet(node: string | undefined, from: number, to: number): boolean {
    return !this.#all.some((trouble) => concerns(trouble, node) && trouble.from <= to && trouble.to >= from);
  }

  /** When a node had had so many milliseconds without trouble since `from`; undefined where it had not, or died before. */
  quietSince(node: string, from: number, ms: number): number | undefined {
    let at = from;
    const own = this.#all.filter((trouble) => concerns(trouble, node)).toSorted((a, b) => a.from - b.from);
    for (const trouble of own) {
      if (trouble.to < at) continue;
      if (trouble.from > at + ms) break;
      if (trouble.isDeadly) return undefined;
      at = Math.max(at, trouble.to);
    }
    return at + ms;
  }

  /** For a report. */
  story(): string[] {
    const seconds = (at: number) => ((at - this.#startedAt) / 1000).toFixed(1).padStart(6);
    return this.#all.map(
      ({ what, from, to, nodes }) =>
        `${seconds(from)} s to ${to === Infinity ? "the end" : seconds(to)} s  ${nodes?.join(",") ?? "all"}: ${what}`,
    );
  }

  secondsSinceStart(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }
}

function concerns({ nodes }: Trouble, node: string | undefined): boolean {
  return nodes === undefined || node === undefined || nodes.includes(node);
}
