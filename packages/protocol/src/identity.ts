/** Who is at the other end (contract 00-common "Identity"). */
import { z } from "zod";

/** Names of users and tenants become parts of keys, which control characters separate. */
export const nameOf = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\u0000-\u001f\u007f]*$/, "must hold no control characters");

const id = nameOf(256);

/** The claims of a token. One without `sub`, `tenantId` or `exp` is refused. */
export const tokenClaims = z.looseObject({
  sub: id,
  tenantId: nameOf(128),
  /** Seconds since the epoch. */
  exp: z.number(),
  permissions: z.array(z.string().max(256)).max(1000).optional(),
  team: z.array(id).max(10_000).optional(),
  name: z.string().max(256).optional(),
});

/** A caller whose token or session was verified. */
export interface Identity {
  readonly userId: string;
  readonly tenant: string;
  readonly permissions: ReadonlySet<string>;
  /** Ids of the users whose work this user may see. */
  readonly team: ReadonlySet<string>;
  readonly name: string | undefined;
  /** Milliseconds since the epoch; nothing is delivered from this moment on. Infinity: it never ends. */
  readonly expiresAt: number;
  /** Nobody has said who it is: one of any number of strangers who share this identity. */
  readonly isAnonymous?: true;
  /** Set where a cookie session vouches, so that its end closes what hangs on it. */
  readonly sessionId: string | undefined;
}
