/** Breaks this user's connections on the server's side, for all to see how they heal. Demo mode only. */
import { type ReactElement, useMemo } from "react";
import { withToken } from "../rfq/bearer.ts";
import { useDemoUsers } from "../shell/sign-in-as.tsx";
import type { Account } from "../sign-in.ts";
import styles from "../app.module.css";

export function CutButton({ account }: { readonly account: Account }): ReactElement | null {
  const users = useDemoUsers();
  const authorized = useMemo(() => withToken(account.token), [account]);
  if (users.length === 0) return null;
  // What becomes of it, the connection's own state says; a server that is away has cut it already.
  const cut = () => void authorized("api/demo/cut", { method: "POST" }).catch(() => undefined);
  return (
    <button type="button" className={styles.tool} onClick={cut} title="Break the connection as a failing network does, and watch it heal">
      Cut connection
    </button>
  );
}
