/** The page: signs in, then shows the part that its address names. */
import { type ReactElement, Suspense, lazy, useEffect, useState } from "react";
import styles from "./app.module.css";
import { partOf } from "./shell/route.ts";
import { type Account, signInAsDemoUser } from "./sign-in.ts";
import { TokenForm } from "./token-form.tsx";

const PAGES = {
  desk: lazy(async () => ({ default: (await import("./desk/desk-page.tsx")).DeskPage })),
  operations: lazy(async () => ({ default: (await import("./operations/operations-page.tsx")).OperationsPage })),
  try: lazy(async () => ({ default: (await import("./try/try-page.tsx")).TryPage })),
};

type SignIn = { readonly state: "pending" } | { readonly state: "needed" } | { readonly state: "done"; readonly account: Account };

export function App(): ReactElement {
  const [signIn, setSignIn] = useState<SignIn>({ state: "pending" });
  useEffect(() => {
    let isGone = false;
    void signInAsDemoUser(new URLSearchParams(location.search).get("as") ?? undefined).then((account) => {
      if (!isGone) setSignIn(account === undefined ? { state: "needed" } : { state: "done", account });
    });
    return () => {
      isGone = true;
    };
  }, []);
  if (signIn.state === "pending") return <p className={styles.notice}>Signing in…</p>;
  if (signIn.state === "needed") return <TokenForm onAccount={(account) => setSignIn({ state: "done", account })} />;
  const Page = PAGES[partOf(location.pathname)];
  return (
    <Suspense fallback={<p className={styles.notice}>Loading…</p>}>
      <Page account={signIn.account} />
    </Suspense>
  );
}
