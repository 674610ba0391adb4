/** What the server, or the end of the connection, says against this client. */

export class FeedError extends Error {
  override readonly name = "FeedError";
  /** The server's code: `BAD_REQUEST`, `REPLACED`, ... or `CLOSED`. */
  readonly code: string;
  /** The bad field, where it is one. */
  readonly path: string | undefined;

  constructor(code: string, message: string, path?: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}
