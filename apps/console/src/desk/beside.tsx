/** A second desk beside this one, of another user: each sees what is the own, and nothing of the other's. */
import { type ReactElement, useState } from "react";
import { useDemoUsers } from "../shell/sign-in-as.tsx";
import type { Account } from "../sign-in.ts";
import styles from "../app.module.css";

const PARAMETER = "beside";

/** The user whose desk is shown beside; kept in the page's address. Never the desk beside another one. */
export function useBeside(account: Account): readonly [string | undefined, (user: string | undefined) => void] {
  const [beside, setBeside] = useState(() => new URLSearchParams(location.search).get(PARAMETER) ?? undefined);
  const change = (user: string | undefined) => {
    const address = new URL(location.href);
    if (user === undefined) address.searchParams.delete(PARAMETER);
    else address.searchParams.set(PARAMETER, user);
    history.replaceState(null, "", address);
    setBeside(user);
  };
  return [beside === account.userId || isBeside() ? undefined : beside, change];
}

interface Properties {
  readonly account: Account;
  readonly beside: string | undefined;
  readonly onChange: (user: string | undefined) => void;
}

/** Opens the desk of a user of another tenant first: that is where the isolation is. */
export function BesideSwitch({ account, beside, onChange }: Properties): ReactElement | null {
  const users = useDemoUsers();
  const others = users.filter(({ userId }) => userId !== account.userId);
  const other = others.find(({ tenantId }) => tenantId !== account.tenantId) ?? others[0];
  if (other === undefined || isBeside()) return null;
  return (
    <button
      type="button"
      className={styles.tool}
      aria-pressed={beside !== undefined}
      onClick={() => onChange(beside === undefined ? other.userId : undefined)}
    >
      {beside === undefined ? "Open beside" : "Close beside"}
    </button>
  );
}

export function BesideFrame({ user }: { readonly user: string }): ReactElement {
  return <iframe className={styles.frame} title={`The desk of ${user}`} src={`./?as=${encodeURIComponent(user)}`} />;
}

function isBeside(): boolean {
  return window.parent !== window;
}
