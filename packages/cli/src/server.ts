/** Which server a client command talks to, and as whom. */
import { complain, type Io } from "./io.ts";

export const DEFAULT_URL = "http://127.0.0.1:3000";

export interface Server {
  readonly url: string;
  readonly token: string;
}

/** From flags, else from the environment. Undefined, with the reason told, where there is no token; throws an Error for a bad URL. */
export function serverOf(flags: { readonly url?: string; readonly token?: string }, io: Io): Server | undefined {
  const url = flags.url ?? io.env["BROADTAPE_URL"] ?? DEFAULT_URL;
  const token = flags.token ?? io.env["BROADTAPE_TOKEN"] ?? "";
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new Error("--url (BROADTAPE_URL): must be an http or https URL");
  if (token !== "") return { url, token };
  complain(io, ["--token (BROADTAPE_TOKEN): is required; `broadtape token` makes one"]);
  return undefined;
}
