/** What the exit code tells. Every command ends with one of these. */
export const EXIT = {
  ok: 0,
  /** Wrong usage or configuration, or a server that could not start. */
  failed: 1,
  /** The server or the check refused the input. */
  refused: 2,
  /** No token, or one that may not do this. */
  unauthorized: 3,
  /** The server could not be reached, or was unavailable for too long. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command answers with its exit code. */
export type Finish = (code: ExitCode) => void;

export const EXIT_CODE_HELP = `
Exit codes: 0 done, 1 wrong usage or configuration, 2 input refused, 3 not authorised, 4 server unreachable.`;
