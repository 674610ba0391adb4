/** Group commit: whatever is appended while one commit runs goes into the next, so that one fsync serves many publishers. */
import { type Appended, type Guard, LogUnavailable, type NewEvent, type Overtaken, type Pace } from "./log.ts";

/** What one publisher wants stored. */
export interface Batch {
  readonly events: readonly NewEvent[];
  readonly guard?: Guard | undefined;
}

/** The places of a batch's events, or why it alone is not stored. */
export type Outcome = readonly Appended[] | Overtaken;

/** Makes these batches durable in one step, in order; resolves with what became of each. Rejects when none is stored. */
type Commit = (batches: readonly Batch[]) => Promise<readonly Outcome[]>;

/** A commit takes at most so many events, unless one batch alone is longer: the first of a long queue need not wait for its end. */
const GROUP_EVENTS = 5000;

interface Waiting extends Batch {
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: Error) => void;
}

export class GroupCommit {
  readonly #commit: Commit;
  readonly #maxWaitingEvents: number;
  readonly #pace: Pace | undefined;
  /** In the order of the calls, and taken from the front; holds at most `maxWaitingEvents` events, or one batch. */
  #waiting: Waiting[] = [];
  #waitingEvents = 0;
  #running: Promise<void> | undefined;

  constructor(commit: Commit, maxWaitingEvents: number, pace?: Pace) {
    this.#commit = commit;
    this.#pace = pace;
    this.#maxWaitingEvents = maxWaitingEvents;
  }

  /** Resolves when the batch is durable, in the order of the calls; rejects with {@link LogUnavailable} or {@link Overtaken} when it is not stored. */
  append(events: readonly NewEvent[], guard?: Guard): Promise<readonly Appended[]> {
    // Alone a batch of any size passes: else its publisher would come again for ever.
    if (this.#waitingEvents > 0 && this.#waitingEvents + events.length > this.#maxWaitingEvents) {
      return Promise.reject(new LogUnavailable(`more than ${this.#maxWaitingEvents} events wait to be stored`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, guard, resolve, reject });
      this.#waitingEvents += events.length;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits and no commit runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What is published in the same turn goes into the first group.
    await Promise.resolve();
    let settle = noOne;
    while (this.#waiting.length > 0) {
      const pause = this.#pace?.next();
      if (pause !== undefined) {
        settle();
        settle = noOne;
        await pause;
      }
      const group = this.#take();
      const commit = this.#commit(group);
      // The next commit runs while the publishers of the last one are answered.
      settle();
      settle = await outcomeOf(group, commit);
      // Publishers that append again as soon as they are answered are worth waiting for.
      if (this.#waiting.length === 0) {
        settle();
        settle = noOne;
        await Promise.resolve();
      }
    }
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let events = 0;
    let end = 0;
    for (const batch of this.#waiting) {
      if (end > 0 && events + batch.events.length > GROUP_EVENTS) break;
      events += batch.events.length;
      end += 1;
    }
    this.#waitingEvents -= events;
    return this.#waiting.splice(0, end);
  }
}

const noOne = (): void => undefined;

/** What is to be told to the publishers of a group, once the commit has ended. Never rejects. */
async function outcomeOf(group: readonly Waiting[], commit: Promise<readonly Outcome[]>): Promise<() => void> {
  try {
    const outcomes = await commit;
    return () => {
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index] ?? [];
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    };
  } catch (error) {
    const unavailable = new LogUnavailable(`the log could not store: ${error instanceof Error ? error.message : String(error)}`);
    return () => {
      for (const { reject } of group) reject(unavailable);
    };
  }
}
