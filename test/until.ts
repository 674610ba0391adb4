/** Waiting for a condition instead of for a time. */

/** Resolves when `find` finds something; rejects after 30 s with what was there instead. */
export async function until<T>(
  find: () => T | undefined | false | Promise<T | undefined | false>,
  describe: () => unknown = () => "nothing",
): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain; there was ${JSON.stringify(describe())}`);
}
