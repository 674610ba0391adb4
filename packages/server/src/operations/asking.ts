/** One question to all nodes (decision 0008): each answers for itself, and whoever asks puts the parts together. */
import { Refusal } from "@broadtape/protocol/errors";
import type { Cluster, ClusterNode } from "../cluster/cluster.ts";
import { inFormOf } from "./told.ts";

/** What nodes answer, by name. Queries and answers are what JSON can carry. */
export type Answers<T> = { readonly [Name in keyof T]: (query: never) => unknown };
type QueryOf<F> = F extends (query: infer Query) => unknown ? Query : never;
type AnswerOf<F> = F extends (query: never) => infer Answer ? Awaited<Answer> : never;

/** What one node answered. */
export interface Part<A> {
  readonly node: ClusterNode;
  readonly answer: A;
}

export interface Parts<A> {
  /** The own one first, then as they came. */
  readonly parts: readonly Part<A>[];
  /** Nodes that run, as far as is known, and did not answer in time. */
  readonly silent: readonly ClusterNode[];
}

export interface Asked {
  /** Id or name of a node; without it, all. */
  readonly node?: string | undefined;
  /** Only these, of all. */
  readonly among?: readonly ClusterNode[] | undefined;
  /** Default: as the cluster has it. */
  readonly timeoutMs?: number | undefined;
}

/** The one node that was asked for did not answer: HTTP says 503. */
export class NodeUnavailable extends Error {
  override readonly name = "NodeUnavailable";
  readonly retryAfterMs = 1000;

  constructor({ name }: ClusterNode) {
    super(`the node ${name} did not answer in time`);
  }
}

/** Stays the same when answers grow: nodes of two releases understand each other (told.ts). */
const KIND = "operations.1";

interface Question {
  readonly name: string;
  readonly query: unknown;
}

export class Asking<T extends Answers<T>> {
  readonly #cluster: Cluster;
  readonly #answers: T;
  readonly #reads: ReadonlySet<keyof T>;
  readonly close: () => void;

  /** @param reads those that change nothing and cost little: the own answer is the form of the others' */
  constructor(cluster: Cluster, answers: T, reads: Iterable<keyof T>) {
    this.#cluster = cluster;
    this.#answers = answers;
    this.#reads = new Set(reads);
    this.close = cluster.onAsked(KIND, async (body) => JSON.stringify(await this.#answer(body)));
  }

  /** Throws BAD_REQUEST where no node is called so, {@link NodeUnavailable} where that one does not answer. */
  async ask<Name extends keyof T & string>(
    name: Name,
    query: QueryOf<T[Name]>,
    { node, among, timeoutMs }: Asked = {},
  ): Promise<Parts<AnswerOf<T[Name]>>> {
    const { self } = this.#cluster;
    const others = this.#cluster.others().filter((other) => among === undefined || among.some(({ id }) => id === other.id));
    const wanted = node === undefined ? [self, ...others] : [named([self, ...others], node)];
    const body = JSON.stringify({ name, query } satisfies Question);
    const [own, answered] = await Promise.all([
      wanted.includes(self) ? this.#own(name, query) : undefined,
      this.#others(wanted, { body, isOfAll: node === undefined && among === undefined, timeoutMs }),
    ]);
    const parts = [
      ...(own === undefined ? [] : [{ node: self, answer: own.answer }]),
      ...(await this.#read(name, query, own?.answer, answered)),
    ];
    const silent = wanted.filter(({ id }) => !parts.some((part) => part.node.id === id));
    const [only] = silent;
    if (node !== undefined && only !== undefined) throw new NodeUnavailable(only);
    return { parts, silent };
  }

  /** Written by the same function, of this release or another. */
  async #read<Name extends keyof T & string>(
    name: Name,
    query: QueryOf<T[Name]>,
    own: AnswerOf<T[Name]> | undefined,
    answered: readonly { readonly from: ClusterNode; readonly body: string }[],
  ): Promise<Part<AnswerOf<T[Name]>>[]> {
    if (answered.length === 0) return [];
    const form = own ?? (this.#reads.has(name) ? (await this.#own(name, query)).answer : undefined);
    return answered.map(({ from: node, body }) => {
      const told = JSON.parse(body) as AnswerOf<T[Name]>;
      return { node, answer: this.#reads.has(name) ? inFormOf(form ?? told, told) : told };
    });
  }

  async #own<Name extends keyof T & string>(name: Name, query: QueryOf<T[Name]>) {
    return { answer: (await this.#answers[name](query as never)) as AnswerOf<T[Name]> };
  }

  async #others(
    wanted: readonly ClusterNode[],
    { body, isOfAll, timeoutMs }: { body: string; isOfAll: boolean; timeoutMs: number | undefined },
  ) {
    const { self } = this.#cluster;
    const others = wanted.filter(({ id }) => id !== self.id);
    if (others.length === 0) return [];
    // Also of one that came a moment ago and is not known here yet.
    if (isOfAll) return this.#cluster.ask(KIND, body, { timeoutMs });
    return (await Promise.all(others.map(({ id: to }) => this.#cluster.ask(KIND, body, { to, timeoutMs })))).flat();
  }

  /** Who asks has seen to it that it may: the cluster is the nodes' own. */
  async #answer(body: string): Promise<unknown> {
    const { name, query } = JSON.parse(body) as Question;
    if (!Object.hasOwn(this.#answers, name)) throw new Error(`nobody here knows the question ${name}`);
    return this.#answers[name as keyof T](query as never);
  }
}

function named(nodes: readonly ClusterNode[], node: string): ClusterNode {
  const found = nodes.find(({ id }) => id === node) ?? nodes.find(({ name }) => name === node);
  if (found === undefined) throw new Refusal("BAD_REQUEST", `no node is called ${node.slice(0, 100)}`, { path: "node" });
  return found;
}
