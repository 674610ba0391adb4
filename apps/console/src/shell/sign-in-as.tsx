/** The demo's users, to be one of them: each tenant's together. */
import { type ReactElement, useEffect, useState } from "react";
import { type Account, type DemoUser, fetchDemoUsers } from "../sign-in.ts";
import styles from "./shell.module.css";

/** Nothing where the server is not in demo mode. */
export function SignInAs({ account }: { readonly account: Account }): ReactElement | null {
  const users = useDemoUsers();
  if (users.length === 0) return null;
  const tenants = [...new Set(users.map(({ tenantId }) => tenantId))];
  return (
    <label className={styles.signIn}>
      <span>Sign in as</span>
      <select value={account.userId} onChange={({ target }) => signInAs(target.value)}>
        {tenants.map((tenant) => (
          <optgroup key={tenant} label={tenant}>
            {users
              .filter(({ tenantId }) => tenantId === tenant)
              .map((user) => (
                <option key={user.userId} value={user.userId}>
                  {titleOf(user)}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

/** `Mia · demo-bank · supervisor`: by what the permissions amount to. */
export function titleOf({ name, userId, tenantId, permissions }: DemoUser): string {
  return [name ?? userId, tenantId, roleOf(permissions ?? [])].join(" · ");
}

function roleOf(permissions: readonly string[]): string {
  if (permissions.includes("stream:admin") || permissions.some((each) => each.startsWith("operations:"))) return "operator";
  return permissions.includes("trading:monitor") ? "supervisor" : "trader";
}

export function useDemoUsers(): readonly DemoUser[] {
  const [users, setUsers] = useState<readonly DemoUser[]>([]);
  useEffect(() => {
    let isGone = false;
    void fetchDemoUsers().then((all) => {
      if (!isGone) setUsers(all);
    });
    return () => {
      isGone = true;
    };
  }, []);
  return users;
}

/** A page of its own for each user: nothing of the one before is left on it. */
function signInAs(userId: string): void {
  const address = new URL(location.href);
  address.searchParams.set("as", userId);
  location.assign(address);
}
