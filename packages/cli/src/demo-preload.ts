/** Loaded into the demo before its own code: it ends with the server, even one that was killed with -9. */
process.once("disconnect", () => process.exit(0));
// Listening must not keep a finished demo alive.
process.channel?.unref();
