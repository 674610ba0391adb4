// @vitest-environment happy-dom
import { type ReactElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { act, cleanup, render } from "@testing-library/react";
import type { TransactionFeedClient } from "@broadtape/client/transactions";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { balanceText, openFeed, transactionText } from "../../client/testing/fake-feed.ts";
import { type TransactionsShown, useBalances, useTransactions } from "./use-transactions.ts";

/** Frames come when a test says so. */
let frames: (() => void)[] = [];
beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
});
afterEach(() => {
  cleanup();
  // What waits for a frame would wait for one of the next test's.
  nextFrame();
  vi.unstubAllGlobals();
});
const nextFrame = () =>
  act(() => {
    for (const run of frames.splice(0)) run();
  });

interface Watched {
  readonly client: TransactionFeedClient;
  readonly onPaint?: () => void;
}

function Transactions({ client, onPaint, ...shown }: Watched & TransactionsShown): ReactElement {
  const transactions = useTransactions(client, shown);
  onPaint?.();
  return <p>{transactions.map(({ transaction: { id, amount, status } }) => `${id} ${amount.toString()} ${status}`).join(", ")}</p>;
}

function Balances({ client, onPaint }: Watched): ReactElement {
  const balances = useBalances(client);
  onPaint?.();
  return <p>{balances.map(({ currency, availableBalance }) => `${currency} ${availableBalance.toString()}`).join(", ")}</p>;
}

it("shows the newest transactions and the balances digit for digit, at most once a frame", async () => {
  const { client, environment, connect } = openFeed();
  await connect();
  const paints = { transactions: 0, balances: 0 };
  const view = render(
    <StrictMode>
      <Transactions client={client} limit={2} onPaint={() => (paints.transactions += 1)} />
      <Balances client={client} onPaint={() => (paints.balances += 1)} />
    </StrictMode>,
  );
  expect(view.container.textContent).toBe("");
  const before = { ...paints };
  for (let offset = 1; offset <= 50; offset++) environment.socket.sayText(transactionText(offset, { amount: `${offset}.10` }));
  expect(paints).toEqual(before);
  nextFrame();
  expect(view.container.textContent).toBe("TXN-50 50.10 SUCCESS, TXN-49 49.10 SUCCESS");
  // StrictMode paints twice.
  expect(paints).toEqual({ transactions: before.transactions + 2, balances: before.balances });
  environment.socket.sayText(balanceText(51, "49950000.00"));
  nextFrame();
  expect(view.container.textContent).toContain("NGN 49950000.00");
  expect(paints).toEqual({ transactions: before.transactions + 2, balances: before.balances + 2 });
});

it("is repainted by what it shows alone, and follows what it is given", async () => {
  const { client, environment, connect } = openFeed();
  await connect();
  let paints = 0;
  const page = (shown: TransactionsShown) => <Transactions client={client} {...shown} onPaint={() => (paints += 1)} />;
  const view = render(page({ status: "FAILED", currency: "NGN", type: "TRANSFER" }));
  environment.socket.sayText(transactionText(1, { status: "FAILED" }));
  nextFrame();
  expect(view.container.textContent).toBe("TXN-1 50000.00 FAILED");
  const before = paints;
  environment.socket.sayText(transactionText(2));
  environment.socket.sayText(balanceText(3, "1"));
  nextFrame();
  expect(paints).toBe(before);
  view.rerender(page({ status: "SUCCESS" }));
  expect(view.container.textContent).toBe("TXN-2 50000.00 SUCCESS");
  view.rerender(page({ currency: "USD" }));
  expect(view.container.textContent).toBe("");
});

it("keeps what is known over a lost connection, and hears nothing more when it is gone", async () => {
  const { client, environment, errors, connect, reconnect } = openFeed();
  await connect();
  environment.socket.sayText(transactionText(1));
  let paints = 0;
  const view = render(<Transactions client={client} onPaint={() => (paints += 1)} />);
  await act(async () => reconnect({ resumed: true, subscription: { events: ["transaction", "balance"], filters: {} } }));
  expect(view.container.textContent).toBe("TXN-1 50000.00 SUCCESS");
  environment.socket.sayText(transactionText(2));
  view.unmount();
  const before = paints;
  environment.socket.sayText(transactionText(3));
  nextFrame();
  expect([paints, errors]).toEqual([before, []]);
});

it("shows nothing on the server", async () => {
  const { client, environment, connect } = openFeed();
  await connect();
  environment.socket.sayText(transactionText(1));
  environment.socket.sayText(balanceText(2, "1"));
  expect(renderToString(<Transactions client={client} />)).toBe("<p></p>");
  expect(renderToString(<Balances client={client} />)).toBe("<p></p>");
});
