/** Who hears what the other nodes tell, whoever answers what they ask, and who hears that one is gone. */
import type { Cluster, ClusterNode } from "./cluster.ts";

type HearTold = Parameters<Cluster["onTold"]>[1];
type AnswerAsked = Parameters<Cluster["onAsked"]>[1];
type HearGone = Parameters<Cluster["onGone"]>[0];

export class Hearers {
  readonly #onFault: (error: unknown) => void;
  readonly #told = new Map<string, Set<HearTold>>();
  readonly #asked = new Map<string, AnswerAsked>();
  readonly #gone = new Set<HearGone>();

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  onTold(kind: string, hear: HearTold): () => void {
    const hearers = this.#told.get(kind) ?? new Set();
    this.#told.set(kind, hearers.add(hear));
    return () => void hearers.delete(hear);
  }

  onAsked(kind: string, answer: AnswerAsked): () => void {
    if (this.#asked.has(kind)) throw new Error(`questions of the kind ${kind} are answered already`);
    this.#asked.set(kind, answer);
    return () => void this.#asked.delete(kind);
  }

  onGone(hear: HearGone): () => void {
    this.#gone.add(hear);
    return () => void this.#gone.delete(hear);
  }

  tell(kind: string, body: string, from: ClusterNode): void {
    for (const hear of this.#told.get(kind) ?? []) this.#guard(() => hear(body, from));
  }

  tellGone(node: ClusterNode): void {
    for (const hear of this.#gone) this.#guard(() => hear(node));
  }

  /** Undefined where nobody answers this kind, or whoever does failed. Never rejects. */
  async answer(kind: string, body: string, from: ClusterNode): Promise<string | undefined> {
    try {
      return await this.#asked.get(kind)?.(body, from);
    } catch (error) {
      this.#onFault(error);
      return undefined;
    }
  }

  /** From now on nobody hears or answers anything. */
  clear(): void {
    this.#told.clear();
    this.#asked.clear();
    this.#gone.clear();
  }

  /** One that fails keeps no other from hearing. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#onFault(error);
    }
  }
}
