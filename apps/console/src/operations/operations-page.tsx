/** The operator's console, at `/operations`. */
import type { ReactElement } from "react";
import { PageHeader } from "../shell/page-header.tsx";
import type { Account } from "../sign-in.ts";

export function OperationsPage({ account }: { readonly account: Account }): ReactElement {
  return (
    <>
      <PageHeader part="operations" account={account} />
      <main aria-label="Operations" />
    </>
  );
}
