/** Many SDK clients that follow their users' orders, and what they were told: nothing lost, doubled, reordered or leaked. */
import { Broadtape } from "@broadtape/client";
import { token, until } from "../contract/server.ts";
import type { Stored } from "./publishers.ts";

interface Reader {
  readonly user: string;
  readonly tape: Broadtape;
  readonly told: { readonly eventId: string; readonly user: string }[];
  readonly resyncs: string[];
}

export interface ReaderOptions {
  /** Where client `index` connects. */
  readonly urlOf: (index: number) => string;
  readonly clients: number;
  /** Spread evenly over them. */
  readonly users: readonly string[];
}

export class Readers {
  readonly #readers: readonly Reader[];

  private constructor(readers: readonly Reader[]) {
    this.#readers = readers;
  }

  /** Resolves when every one of them follows its topic. */
  static async connect({ urlOf, clients, users }: ReaderOptions): Promise<Readers> {
    const tokens = new Map(await Promise.all(users.map(async (user) => [user, await token({ sub: user })] as const)));
    const readers: Reader[] = [];
    const following = Array.from({ length: clients }, async (_, index) => {
      const user = users[index % users.length] ?? "";
      const tape = new Broadtape({ url: urlOf(index), token: tokens.get(user) ?? "", reconnectionDelay: 50 });
      const told: Reader["told"] = [];
      const resyncs: string[] = [];
      readers.push({ user, tape, told, resyncs });
      const { ready } = tape.follow<string>("orders:me", {
        onEvent: ({ eventId, data }) => {
          if (eventId !== undefined) told.push({ eventId, user: (data as { userId: string }).userId });
        },
        onResync: (reason) => resyncs.push(reason),
      });
      const answer = await ready;
      if (!answer.ok) throw new Error(`${user}: ${JSON.stringify(answer)}`);
    });
    const connected = new Readers(readers);
    await Promise.all(following).catch((error: unknown) => {
      connected.close();
      throw error;
    });
    return connected;
  }

  get live(): number {
    return this.#readers.filter(({ tape }) => tape.status.get().state === "live").length;
  }

  /** How often clients had to come back so far. */
  get size(): number {
    return this.#readers.length;
  }

  /** What all of them were told so far. */
  get deliveries(): number {
    return this.#readers.reduce((sum, { told }) => sum + told.length, 0);
  }

  async allLive(): Promise<void> {
    await until(
      () => this.live === this.#readers.length,
      () => `${this.live} of ${this.#readers.length} are live`,
    );
  }

  /** Resolves with what is wrong, once everybody was told as much as is stored; with nothing, where nothing is. */
  async faults(stored: readonly Stored[]): Promise<string[]> {
    const expected = new Map<string, string[]>();
    for (const { user, eventId } of [...stored].sort((a, b) => a.offset - b.offset)) {
      const ids = expected.get(user);
      if (ids === undefined) expected.set(user, [eventId]);
      else ids.push(eventId);
    }
    const isBehind = ({ user, told }: Reader) => told.length < (expected.get(user)?.length ?? 0);
    await until(() => !this.#readers.some(isBehind)).catch(() => undefined);
    return this.#readers.flatMap(({ user, told, resyncs }, index) => [
      ...told.filter((each) => each.user !== user).map((each) => `client ${index} of ${user} was told an event of ${each.user}`),
      ...resyncs.map((reason) => `client ${index} had to begin anew: ${reason}`),
      ...differences(
        expected.get(user) ?? [],
        told.map(({ eventId }) => eventId),
      ).map((difference) => `client ${index} of ${user}: ${difference}`),
    ]);
  }

  close(): void {
    for (const { tape } of this.#readers) tape.close();
  }
}

/** In words, at most the first of each kind. */
function differences(expected: readonly string[], told: readonly string[]): string[] {
  const [all, heard] = [new Set(expected), new Set(told)];
  const lost = expected.filter((id) => !heard.has(id));
  const unknown = told.filter((id) => !all.has(id));
  const found: string[] = [];
  if (lost.length > 0) found.push(`lost ${lost.length} of ${expected.length}, the first ${lost[0]}`);
  if (unknown.length > 0) found.push(`was told ${unknown.length} that nobody published, the first ${unknown[0]}`);
  if (heard.size < told.length) found.push(`was told ${told.length - heard.size} twice`);
  const isOrdered = told.every((id, index) => index === 0 || (told[index - 1] ?? "") < id);
  if (!isOrdered) found.push("was told out of order");
  return found;
}
