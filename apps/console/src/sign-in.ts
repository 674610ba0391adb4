/** Who is in front of the page. In demo mode it signs in by itself; else it asks for a token. */

export interface Account {
  /** A token, or how a fresh one is fetched. */
  readonly token: string | (() => Promise<string>);
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string | undefined;
}

/** Undefined where the server is not in demo mode. */
export async function signInAsDemoUser(): Promise<Account | undefined> {
  const first = await fetchDemoToken().catch(() => undefined);
  if (first === undefined) return undefined;
  let known = first.token;
  let isUnused = true;
  const token = async () => {
    // A server that is away gives no fresh token; the old one is tried with it when it is back.
    if (!isUnused) known = (await fetchDemoToken().catch(() => undefined))?.token ?? known;
    isUnused = false;
    return known;
  };
  return { ...first, token };
}

interface DemoToken {
  readonly token: string;
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string | undefined;
}

async function fetchDemoToken(): Promise<DemoToken | undefined> {
  const response = await fetch("api/demo/session", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  const body: unknown = response.ok ? await response.json() : undefined;
  if (typeof body !== "object" || body === null) return undefined;
  const text = (key: string) => {
    const value: unknown = Reflect.get(body, key);
    return typeof value === "string" ? value : undefined;
  };
  const [token, userId, tenantId] = [text("token"), text("userId"), text("tenantId")];
  return token === undefined || userId === undefined || tenantId === undefined
    ? undefined
    : { token, userId, tenantId, name: text("name") };
}
