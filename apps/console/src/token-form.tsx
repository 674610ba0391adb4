/** Without demo mode: paste a token. It stays in this page's memory. */
import { type ReactElement, type SyntheticEvent, useState } from "react";
import type { Account } from "./sign-in.ts";
import styles from "./app.module.css";

export function TokenForm({ onAccount }: { readonly onAccount: (account: Account) => void }): ReactElement {
  const [token, setToken] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (token.trim() !== "") onAccount({ token: token.trim(), userId: "signed in", tenantId: "", name: undefined, permissions: undefined });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <h1 className={styles.title}>Broadtape</h1>
      <label htmlFor="token">Token</label>
      <input id="token" autoComplete="off" spellCheck={false} value={token} onChange={(event) => setToken(event.target.value)} />
      <button type="submit">Sign in</button>
      <p className={styles.note}>
        <code>npx broadtape token --sub you --tenant yours</code> prints one.
      </p>
    </form>
  );
}
