/** What a JSON Web Token says, read without checking it: the server checks. */

/** The claims; undefined where the text is no token. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** When it ends, in milliseconds since the epoch; undefined where it does not say. */
export function expiryOf(token: string): number | undefined {
  const exp = claimsOf(token)?.["exp"];
  return typeof exp === "number" ? exp * 1000 : undefined;
}

/** Whose it is; undefined where it does not say. */
export function userOf(token: string): string | undefined {
  const sub = claimsOf(token)?.["sub"];
  return typeof sub === "string" ? sub : undefined;
}
