/** What an account may do, as far as the page can know: the server alone judges. */
import { useEffect, useMemo, useState } from "react";
import { withToken } from "../rfq/bearer.ts";
import type { Account } from "../sign-in.ts";

export interface SignedIn {
  /** Sends the account's token along. */
  readonly fetch: typeof fetch;
  /** Undefined until known, and where the token does not tell. */
  readonly permissions: ReadonlySet<string> | undefined;
}

export function useSignedIn({ token, permissions: known }: Account): SignedIn {
  const authorized = useMemo(() => withToken(token), [token]);
  const [permissions, setPermissions] = useState(known === undefined ? undefined : new Set(known));
  useEffect(() => {
    if (known !== undefined || typeof token !== "string") return;
    setPermissions(permissionsOf(token));
  }, [known, token]);
  return { fetch: authorized, permissions };
}

/** The claims of a JSON Web Token, unverified: they decide what is offered, never what is done. */
export function permissionsOf(token: string): Set<string> | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const claims: unknown = JSON.parse(atob(payload));
    if (typeof claims !== "object" || claims === null) return undefined;
    const list: unknown = Reflect.get(claims, "permissions") ?? [];
    return Array.isArray(list) ? new Set(list.filter((each) => typeof each === "string")) : undefined;
  } catch {
    return undefined;
  }
}
