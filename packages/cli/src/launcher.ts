/** What `bin/broadtape.js` and this program agree on, where it had to start another Node for it. */

/** Set by the launcher; without our prefix, since it is no setting. */
const MARK = "_BROADTAPE_LAUNCHER";

/** However the launcher ends, this program ends as if it had been told to. */
export function endWithLauncher(): void {
  const isLaunched = process.env[MARK] !== undefined;
  Reflect.deleteProperty(process.env, MARK);
  if (!isLaunched || process.channel === undefined) return;
  process.once("disconnect", () => {
    process.kill(process.pid, "SIGTERM");
  });
  // Listening must not keep a finished command alive.
  process.channel.unref();
}
