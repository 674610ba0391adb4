/** What stands on top of every part of the page: its name, the way to the others, the theme, who is signed in. */
import { type ReactElement, type ReactNode, useSyncExternalStore } from "react";
import type { Account } from "../sign-in.ts";
import { PARTS, type Part, addressOf } from "./route.ts";
import styles from "./shell.module.css";
import { SignInAs } from "./sign-in-as.tsx";
import { chooseTheme, shownTheme } from "./theme.ts";

interface Properties {
  readonly part: Part;
  readonly account: Account;
  /** The part's own: how its connection is, and its tools. */
  readonly children?: ReactNode;
}

const TITLES: Readonly<Record<Part, string>> = { desk: "Desk", operations: "Operations", try: "Try it" };

export function PageHeader({ part, account, children }: Properties): ReactElement {
  return (
    <header className={styles.header}>
      <h1 className={styles.title}>Broadtape</h1>
      <nav aria-label="Parts" className={styles.parts}>
        {PARTS.map((each) => (
          <a key={each} href={addressOf(each, location.search)} aria-current={each === part ? "page" : undefined}>
            {TITLES[each]}
          </a>
        ))}
      </nav>
      {children ?? <span className={styles.push} />}
      <ThemeSwitch />
      <SignInAs account={account} />
    </header>
  );
}

function ThemeSwitch(): ReactElement {
  const theme = useSyncExternalStore(shownTheme.subscribe, shownTheme.get);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button type="button" className={styles.tool} onClick={() => chooseTheme(other)} title={`Show the page in ${other} colours`}>
      {other === "light" ? "Light" : "Dark"}
    </button>
  );
}
