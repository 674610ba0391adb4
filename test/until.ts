/** Waiting for a condition instead of for a time. */

/** Much: where a machine is slow and busy, what takes milliseconds takes many seconds. It costs nothing where the condition is met. */
export const PATIENCE_MS = 90_000;

/** Characters; thousands of messages in a report hide everything else in it. */
const MOST_TOLD = 10_000;

/** Resolves when `find` finds something; rejects after {@link PATIENCE_MS} with what was there instead. */
export async function until<T>(
  find: () => T | undefined | false | Promise<T | undefined | false>,
  describe: () => unknown = () => "nothing",
): Promise<T> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain; there was ${JSON.stringify(describe()).slice(0, MOST_TOLD)}`);
}
