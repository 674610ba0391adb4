/** Who an account is and what it may do, as far as the page can know: the server alone judges. */
import { useMemo } from "react";
import { withToken } from "../rfq/bearer.ts";
import type { Account } from "../sign-in.ts";

export interface SignedIn {
  /** Sends the account's token along. */
  readonly fetch: typeof fetch;
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string;
  /** Undefined where nobody tells. */
  readonly permissions: ReadonlySet<string> | undefined;
}

export function useSignedIn(account: Account): SignedIn {
  return useMemo(() => {
    const claims = typeof account.token === "string" ? claimsOf(account.token) : undefined;
    const userId = claims?.userId ?? account.userId;
    const permissions = account.permissions ?? claims?.permissions;
    return {
      fetch: withToken(account.token),
      userId,
      tenantId: claims?.tenantId ?? account.tenantId,
      name: account.name ?? userId,
      permissions: permissions && new Set(permissions),
    };
  }, [account]);
}

export interface Claims {
  readonly userId: string | undefined;
  readonly tenantId: string | undefined;
  readonly permissions: readonly string[];
}

/** The claims of a JSON Web Token, unverified: they decide what is offered, never what is done. */
export function claimsOf(token: string): Claims | undefined {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const claims: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))));
    if (typeof claims !== "object" || claims === null) return undefined;
    const list: unknown = Reflect.get(claims, "permissions") ?? [];
    return {
      userId: textOf(Reflect.get(claims, "sub")),
      tenantId: textOf(Reflect.get(claims, "tenantId")),
      permissions: Array.isArray(list) ? list.filter((each) => typeof each === "string") : [],
    };
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
