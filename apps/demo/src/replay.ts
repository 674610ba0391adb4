/** Plays a recording at its own or another speed, moved to now: what is due together is handed over together. */
import type { RecordedQuote } from "./recording.ts";

export interface ReplayClock {
  now(): number;
  wait(ms: number): Promise<void>;
}

export interface ReplayOptions {
  readonly speed: number;
  readonly clock: ReplayClock;
  /** Takes what is due; while it runs nothing else is handed over. */
  readonly publish: (quotes: readonly DueQuote[]) => Promise<void>;
  readonly isStopped: () => boolean;
  /** Told when time was lost (a server away) and the replay went on from the present. */
  readonly onSkip: (skippedMs: number) => void;
}

export interface DueQuote {
  readonly quote: RecordedQuote;
  /** When it is played: milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Quotes that are due within so many milliseconds travel together. */
const STEP_MS = 25;
/** A stall longer than this is skipped: nobody wants old prices in a burst. */
const MAX_LAG_MS = 2000;

/** Resolves at the end of the recording, or when stopped. */
export async function replay(
  quotes: AsyncIterable<RecordedQuote>,
  { speed, clock, publish, isStopped, onSkip }: ReplayOptions,
): Promise<void> {
  let startedAt = clock.now();
  let recordedStart: number | undefined;
  let due: DueQuote[] = [];
  let dueAt = 0;
  for await (const quote of quotes) {
    if (isStopped()) return;
    recordedStart ??= quote.at;
    let at = startedAt + (quote.at - recordedStart) / speed;
    if (due.length > 0 && at - dueAt >= STEP_MS) {
      await waitUntil(clock, dueAt + STEP_MS);
      await publish(due);
      due = [];
      const lag = clock.now() - at;
      if (lag > MAX_LAG_MS) {
        onSkip(lag);
        startedAt += lag;
        at += lag;
      }
    }
    if (due.length === 0) dueAt = at;
    due.push({ quote, timestamp: Math.floor(at) });
  }
  if (due.length === 0) return;
  await waitUntil(clock, dueAt + STEP_MS);
  await publish(due);
}

async function waitUntil(clock: ReplayClock, at: number): Promise<void> {
  const wait = at - clock.now();
  if (wait > 0) await clock.wait(wait);
}
