/** The page's token for HTTP calls. */
import type { Account } from "../sign-in.ts";

/** `fetch` with the account's token: fetched once and kept, and once more where the server no longer takes it. */
export function withToken(source: Account["token"]): typeof fetch {
  let known: string | undefined;
  const tokenOf = async () => (known ??= typeof source === "string" ? source : await source());
  const attempt = async (...[input, init]: Parameters<typeof fetch>) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${await tokenOf()}`);
    return fetch(input, { ...init, headers });
  };
  return async (input, init) => {
    const answer = await attempt(input, init);
    if (answer.status !== 401) return answer;
    known = undefined;
    return attempt(input, init);
  };
}
