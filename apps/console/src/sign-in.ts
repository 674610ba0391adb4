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
  let unused: string | undefined = first.token;
  const token = async () => {
    const known = unused;
    unused = undefined;
    if (known !== undefined) return known;
    const next = await fetchDemoToken();
    if (next === undefined) throw new Error("demo mode is off now");
    return next.token;
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
