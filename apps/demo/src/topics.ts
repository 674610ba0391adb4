/** Reads what the server knows of the demo's users over its public API, the way a page does. */
import { parseJson } from "@broadtape/protocol/json";

export interface Reader {
  readonly url: string;
  readonly fetch: typeof fetch;
}

/** A token of the user's; undefined where the server has no such door or no such user. */
export async function signIn({ url, fetch }: Reader, user: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/api/demo/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  const text = await answer.text();
  if (answer.status === 400 || answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`${user} cannot be signed in: ${answer.status} ${text}`);
  return (JSON.parse(text) as { token: string }).token;
}

/** The state of a user's topic, its numbers' digits kept; null where there is none yet. Rejects where it cannot be read. */
export async function readTopic({ url, fetch }: Reader, token: string, kind: string, user: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1/topics/${kind}:${encodeURIComponent(user)}/snapshot`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the ${kind} of ${user} cannot be read: ${answer.status} ${text}`);
  return (parseJson(text) as { state: unknown }).state;
}
