/** What a run has done, for people or as JSON. */
import { complain, type Io, say } from "../io.ts";
import type { Outcome, Published } from "./publish.ts";

export interface Summary extends Published {
  readonly retries: number;
  readonly seconds: number;
  /** The newest line that an earlier run published; 0 where there was none. */
  readonly resumedAfterLine: number;
}

const SHOWN_FAULTS = 20;

/** @param name of the input, as it stands before line numbers */
export function report(outcome: Outcome, summary: Summary, name: string, asJson: boolean, io: Io): void {
  if (asJson) say(io.stdout, JSON.stringify({ ...summary, ...(outcome.kind !== "done" && { failure: outcome }) }));
  else {
    const { events, duplicates, seconds } = summary;
    const rate = seconds > 0 ? ` (${Math.round(events / seconds)}/s)` : "";
    say(io.stdout, `${events} events in ${seconds} s${rate}, ${duplicates} of them stored before`);
  }
  if (outcome.kind !== "done") complain(io, reasonsOf(outcome, name));
}

function reasonsOf(failure: Exclude<Outcome, { kind: "done" }>, name: string): string[] {
  if (failure.kind === "unreachable") return [failure.message];
  const { statusCode, message, faults } = failure;
  return [
    statusCode === undefined ? message : `refused with ${statusCode}: ${message}`,
    ...faults.slice(0, SHOWN_FAULTS).map((fault) => `${name}:${fault.line}: ${fault.message}`),
    ...(faults.length > SHOWN_FAULTS ? [`and ${faults.length - SHOWN_FAULTS} more`] : []),
  ];
}
