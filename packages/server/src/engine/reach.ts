/**
 * What the other nodes stored, waited for: whoever was answered by one node, and asks another about it, is answered what the first one would
 * have said.
 */
import { type Epoch, type Offset, parseEventId } from "@broadtape/protocol/event-id";
import type { Cluster } from "../cluster/cluster.ts";
import type { Wheel } from "./wheel.ts";

export interface ReachHost {
  readonly wheel: Wheel;
  readonly cluster: Cluster;
  /** Others may store too. */
  readonly isShared: boolean;
  readonly epoch: Epoch;
  readonly routedTo: Offset;
}

/** A log that does not answer keeps nobody out but those who ask for what is not here yet ({@link Reach.isBeyond}). */
const REACH_MS = 1000;

export class Reach {
  readonly #host: ReachHost;
  readonly #catchUp: () => Promise<void>;
  /** Whether the log answered when it was last asked what the others have stored. */
  #isAbreast = true;

  /** @param catchUp resolves when everything is here that was stored when this was asked; rejects where the log does not answer. */
  constructor(host: ReachHost, catchUp: () => Promise<void>) {
    this.#host = host;
    this.#catchUp = catchUp;
  }

  /** As {@link to}, for everything that was stored when this was asked; undefined where nobody else stores. */
  current(): Promise<void> | undefined {
    return this.#host.cluster.others().length > 0 ? this.to(Infinity) : undefined;
  }

  /** Resolves when what was stored up to there has arrived here, whoever stored it, or that takes too long. */
  async to(offset: Offset): Promise<void> {
    const { isShared, routedTo, wheel } = this.#host;
    if (!isShared || offset <= routedTo) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = (isAbreast: boolean) => {
      this.#isAbreast = isAbreast;
      resolve(undefined);
    };
    const deadline = wheel.arm(REACH_MS, () => {
      end(false);
    });
    this.#catchUp().then(
      () => {
        end(true);
      },
      () => {
        end(false);
      },
    );
    await promise;
    wheel.disarm(deadline);
  }

  /** Whether a cursor is of what others have told, and this node cannot know because the log does not answer it. */
  isBeyond(cursor: string): boolean {
    if (this.#isAbreast) return false;
    const place = parseEventId(cursor);
    return place?.epoch === this.#host.epoch && place.offset > this.#host.routedTo;
  }
}
