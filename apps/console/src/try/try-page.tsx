/** Trying things out, at `/try`. */
import type { ReactElement } from "react";
import { PageHeader } from "../shell/page-header.tsx";
import type { Account } from "../sign-in.ts";

export function TryPage({ account }: { readonly account: Account }): ReactElement {
  return (
    <>
      <PageHeader part="try" account={account} />
      <main aria-label="Try it" />
    </>
  );
}
