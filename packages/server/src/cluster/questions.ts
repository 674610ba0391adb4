/** Questions of this node that wait for answers. */
import type { Answer, ClusterNode } from "./cluster.ts";
import type { ClusterMeter } from "./meter.ts";

/** Questions that wait at the same time; who asks beyond that has no answer. */
const MAX_WAITING = 10_000;

interface Question {
  /** Ids of the nodes that have not answered. */
  readonly waiting: Set<string>;
  readonly answers: Answer[];
  end(): void;
}

export class Questions {
  readonly #after: (ms: number, run: () => void) => () => void;
  readonly #meter: ClusterMeter;
  readonly #open = new Map<string, Question>();

  constructor(after: (ms: number, run: () => void) => () => void, meter: ClusterMeter) {
    this.#after = after;
    this.#meter = meter;
  }

  /** Resolves with what came of it: when all have answered or are gone, or the time is over. */
  ask(id: string, nodes: readonly ClusterNode[], timeoutMs: number): Promise<readonly Answer[]> {
    if (nodes.length === 0 || this.#open.size >= MAX_WAITING) return Promise.resolve([]);
    this.#meter.asked += nodes.length;
    const waiting = new Set(nodes.map((node) => node.id));
    const answers: Answer[] = [];
    return new Promise((resolve) => {
      const end = () => {
        stop();
        this.#open.delete(id);
        this.#meter.unanswered += waiting.size;
        resolve(answers);
      };
      const stop = this.#after(timeoutMs, end);
      this.#open.set(id, { waiting, answers, end });
    });
  }

  /** `body` undefined: it has none. */
  answered(id: string, from: ClusterNode, body: string | undefined): void {
    const question = this.#open.get(id);
    // Too late, or twice.
    if (question?.waiting.has(from.id) !== true) return;
    if (body !== undefined) {
      question.waiting.delete(from.id);
      question.answers.push({ from, body });
    } else this.#giveUp(question, from.id);
    if (question.waiting.size === 0) question.end();
  }

  /** That node will not answer any more. */
  gone(nodeId: string): void {
    for (const question of [...this.#open.values()])
      if (question.waiting.has(nodeId)) {
        this.#giveUp(question, nodeId);
        if (question.waiting.size === 0) question.end();
      }
  }

  /** The question did not go out. */
  abandon(id: string): void {
    this.#open.get(id)?.end();
  }

  close(): void {
    for (const question of [...this.#open.values()]) question.end();
  }

  #giveUp(question: Question, nodeId: string): void {
    question.waiting.delete(nodeId);
    this.#meter.unanswered += 1;
  }
}
