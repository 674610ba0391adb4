/** Who is in front of the page. In demo mode it signs in by itself; else it asks for a token. */

export interface Account {
  /** A token, or how a fresh one is fetched. It stays in this page's memory. */
  readonly token: string | (() => Promise<string>);
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string | undefined;
  /** What the user may beyond what is the user's own; undefined where only the token says it. */
  readonly permissions: readonly string[] | undefined;
}

export interface DemoUser {
  readonly userId: string;
  readonly tenantId: string;
  readonly name: string | undefined;
  readonly permissions: readonly string[] | undefined;
}

/** As this user, or as the first one; undefined where the server is not in demo mode or has no such user. */
export async function signInAsDemoUser(user?: string): Promise<Account | undefined> {
  const first = await fetchDemoToken(user).catch(() => undefined);
  if (first === undefined) return undefined;
  let known = first.token;
  let isUnused = true;
  const token = async () => {
    // A server that is away gives no fresh token; the old one is tried with it when it is back.
    if (!isUnused) known = (await fetchDemoToken(first.userId).catch(() => undefined))?.token ?? known;
    isUnused = false;
    return known;
  };
  return { ...first, token };
}

/** Whom one can sign in as; none where the server is not in demo mode, or away. */
export async function fetchDemoUsers(): Promise<readonly DemoUser[]> {
  const answer = await fetch("api/demo/users").catch(() => undefined);
  if (answer?.ok !== true) return [];
  const body: unknown = await answer.json();
  const users: unknown = isObject(body) ? body["users"] : undefined;
  return Array.isArray(users) ? users.map(userOf).filter((user) => user !== undefined) : [];
}

async function fetchDemoToken(user: string | undefined): Promise<(DemoUser & { readonly token: string }) | undefined> {
  const response = await fetch("api/demo/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  const body: unknown = response.ok ? await response.json() : undefined;
  const known = userOf(body);
  const token = isObject(body) ? textOf(body["token"]) : undefined;
  return known === undefined || token === undefined ? undefined : { ...known, token };
}

function userOf(body: unknown): DemoUser | undefined {
  if (!isObject(body)) return undefined;
  const [userId, tenantId] = [textOf(body["userId"]), textOf(body["tenantId"])];
  if (userId === undefined || tenantId === undefined) return undefined;
  const { permissions } = body;
  return {
    userId,
    tenantId,
    name: textOf(body["name"]),
    permissions: Array.isArray(permissions) ? permissions.filter((each) => typeof each === "string") : undefined,
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
