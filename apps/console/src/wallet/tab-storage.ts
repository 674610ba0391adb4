/** Where a feed's clientId is kept: in this tab and over its reloads, apart from the tab's other feeds. */
import type { TransactionFeedClientOptions } from "@broadtape/client/transactions";

export function tabStorage(feed: string): NonNullable<TransactionFeedClientOptions["storage"]> {
  const keyOf = (key: string) => `${key}.${feed}`;
  return {
    // Looked up at each call: a page that may not use its storage is refused when it asks for it, and the client takes that.
    getItem: (key) => sessionStorage.getItem(keyOf(key)),
    setItem: (key, value) => sessionStorage.setItem(keyOf(key), value),
  };
}
