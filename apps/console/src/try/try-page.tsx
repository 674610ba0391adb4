/** Trying things out: publish any event, follow any topic, and see how it is done by other means. */
import { type ReactElement, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { CatalogueList } from "@broadtape/protocol/operations";
import { Refused, ask } from "../operations/ask.ts";
import { useSignedIn } from "../operations/rights.ts";
import { PageHeader } from "../shell/page-header.tsx";
import type { Account } from "../sign-in.ts";
import { PublishPanel } from "./publish-panel.tsx";
import { RawSocket, socketAddress } from "./raw-socket.ts";
import { SubscribePanel } from "./subscribe-panel.tsx";
import styles from "./try.module.css";

export function TryPage({ account }: { readonly account: Account }): ReactElement {
  const signedIn = useSignedIn(account);
  const { catalogue, refusal, again } = useCatalogue(signedIn.fetch);
  const token = useMemo(() => async () => (typeof account.token === "string" ? account.token : account.token()), [account]);
  const server = useMemo(() => new URL(".", location.href).href.replace(/\/$/, ""), []);
  const socket = useMemo(
    () =>
      new RawSocket({
        url: socketAddress(location.href),
        token,
        open: (url, protocol) => new WebSocket(url, protocol),
        now: () => Date.now(),
      }),
    [token],
  );
  useEffect(() => () => socket.close(), [socket]);
  return (
    <div className={styles.page}>
      <PageHeader part="try" account={account}>
        <SocketStatus socket={socket} />
        <span className={styles.push} />
      </PageHeader>
      <main className={styles.main} aria-label="Try it">
        {refusal !== undefined && (
          <p className={styles.notice} role="alert">
            {refusal}{" "}
            <button type="button" onClick={again}>
              Try again
            </button>
          </p>
        )}
        {catalogue === undefined ? (
          refusal === undefined && <p className={styles.quiet}>Asking what can be published and followed…</p>
        ) : (
          <>
            <PublishPanel
              signedIn={signedIn}
              types={catalogue.types.filter(({ isInternal }) => !isInternal)}
              server={server}
              token={token}
            />
            <SubscribePanel socket={socket} kinds={catalogue.topics} server={server} token={token} />
          </>
        )}
      </main>
    </div>
  );
}

const WORDS = { idle: "not connected", connecting: "connecting", open: "live", closed: "closed" } as const;

function SocketStatus({ socket }: { readonly socket: RawSocket }): ReactElement {
  const { state } = useSyncExternalStore(socket.subscribe, socket.get);
  return (
    <span className={styles.badge} role="status" aria-label="Connection" data-state={state}>
      {WORDS[state]}
    </span>
  );
}

interface Catalogue {
  readonly catalogue: CatalogueList | undefined;
  readonly refusal: string | undefined;
  readonly again: () => void;
}

function useCatalogue(authorized: typeof fetch): Catalogue {
  const [known, setKnown] = useState<Pick<Catalogue, "catalogue" | "refusal">>({ catalogue: undefined, refusal: undefined });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isGone = false;
    ask(authorized, "api/v1/catalogue").then(
      (body) => {
        if (!isGone) setKnown({ catalogue: body as CatalogueList, refusal: undefined });
      },
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        if (!isGone) setKnown({ catalogue: undefined, refusal: `The catalogue could not be read: ${error.message}` });
      },
    );
    return () => {
      isGone = true;
    };
  }, [authorized, attempt]);
  return { ...known, again: () => setAttempt(attempt + 1) };
}
