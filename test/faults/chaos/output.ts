/** What of a node's log nobody should ever read. */

/** Of pino. */
const ERROR = 50;

/** Errors that an outage explains. */
const EXPECTED: readonly RegExp[] = [
  /does not answer/,
  /could not be told to all nodes/,
  /connection (terminated|error)|terminating connection|connect|ECONN(RESET|REFUSED)|EPIPE|timeout/i,
  /the database system is (shutting down|starting up|not yet accepting connections|in recovery mode)/,
];

/** `npm start`'s greeting; and of pg, which of its next version's refusals this version only warns of. */
const PLAIN =
  /^Broadtape listens at|^broadtape: the database (cannot be opened|does not answer)|^killed by timeout|^\(node:\d+\) DeprecationWarning: Calling client.query|^\(Use `node --trace-deprecation/;

export function faultsOfOutput(output: string): string[] {
  const found = new Map<string, number>();
  for (const line of output.split("\n")) {
    const what = faultOf(line);
    if (what !== undefined) found.set(what, (found.get(what) ?? 0) + 1);
  }
  return [...found].map(([what, count]) => `logged ${count} times: ${what}`);
}

function faultOf(line: string): string | undefined {
  if (line === "") return undefined;
  // Killed in the middle of it.
  if (!line.startsWith("{")) return PLAIN.test(line) ? undefined : line.slice(0, 300);
  let entry: { level?: unknown; msg?: string; err?: { message?: string; stack?: string } };
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    return undefined;
  }
  const { level, msg = "", err: { message = "", stack = "" } = {} } = entry;
  if (!(Number(level) >= ERROR)) return undefined;
  const text = `${msg}: ${message} ${stack.split("\n").slice(0, 3).join(" | ")}`;
  return EXPECTED.some((expected) => expected.test(text)) ? undefined : text.slice(0, 600);
}
