// @vitest-environment happy-dom
import { type ReactElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { act, cleanup, render } from "@testing-library/react";
import { TradingClient } from "@broadtape/client/trading";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeEnvironment, idOf, settled } from "../../client/testing/fake-environment.ts";
import { TIME, balance, order, position, trade } from "../../client/testing/trading-words.ts";
import { useTradingEvents } from "./use-trading.ts";

/** Frames come when a test says so. */
let frames: (() => void)[] = [];
beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
const nextFrame = () =>
  act(() => {
    for (const run of frames.splice(0)) run();
  });

function Desk({ client, onPaint }: { client: TradingClient; onPaint?: () => void }): ReactElement {
  const { orders, positions, trades, balances, status } = useTradingEvents(client);
  onPaint?.();
  const lists = [
    orders.map((each) => `${each.id} ${each.status}`),
    positions.map(({ id, unrealizedPnL }) => `${id} ${String(unrealizedPnL)}`),
    trades.map(({ id }) => id),
    balances.map(({ currency, total }) => `${currency} ${String(total)}`),
  ];
  return <p>{[status.state, ...lists.map((list) => list.join())].join("|")}</p>;
}

const TOPICS = ["orders:me", "positions:me", "trades:me", "balances:me"];

it("shows trading as it is folded, one repaint a frame, and follows nothing when it is gone", async () => {
  const environment = new FakeEnvironment();
  const client = new TradingClient({ url: "http://test", environment });
  let paints = 0;
  const view = render(
    <StrictMode>
      <Desk client={client} onPaint={() => (paints += 1)} />
    </StrictMode>,
  );
  expect(view.container.textContent).toBe("connecting||||");
  await act(async () => {
    await settled();
    environment.link.welcome();
    await settled();
    environment.link.accept(
      {
        "orders:me": { orders: [order("o1")], eventId: idOf(1) },
        "positions:me": { positions: [position("p1")], totalValue: "1880", eventId: idOf(1) },
        "trades:me": { trades: [trade("t1")], eventId: idOf(1) },
        "balances:me": { balances: [balance("USD", "5.00")], eventId: idOf(1) },
      },
      idOf(1),
    );
    await settled();
  });
  nextFrame();
  expect(environment.link.said("subscribe").flatMap(({ topics }) => topics)).toEqual(TOPICS);
  expect(view.container.textContent).toBe("live|o1 open|p1 5.00|t1|USD 5.00");
  const before = paints;
  const event = (topic: string, type: string, offset: number, data: object, key?: string) =>
    ({
      type: "event",
      topic,
      event: `trading.${type}`,
      eventId: idOf(offset),
      time: TIME,
      data,
      ...(key !== undefined && { key }),
    }) as const;
  environment.link.say({
    type: "batch",
    events: [
      event("orders:me", "order.filled", 2, { order: order("o1", { status: "filled" }) }),
      event("balances:me", "balance.updated", 3, { balance: balance("USD", "4.10") }),
    ],
  });
  for (let offset = 4; offset < 40; offset++)
    environment.link.say(
      event("positions:me", "position.revalued", offset, { positions: [position("p1", { unrealizedPnL: `${offset}` })] }, "AAPL"),
    );
  await settled();
  expect(paints).toBe(before);
  nextFrame();
  expect(view.container.textContent).toBe("live|o1 filled|p1 39|t1|USD 4.10");
  // StrictMode paints twice.
  expect(paints).toBe(before + 2);
  view.unmount();
  await settled();
  expect(new Set(environment.link.said("unsubscribe").flatMap(({ topics }) => topics))).toEqual(new Set(TOPICS));
});

it("shows nothing on the server, and follows nothing there", async () => {
  const environment = new FakeEnvironment();
  const client = new TradingClient({ url: "http://test", environment });
  await settled();
  environment.link.welcome();
  expect(renderToString(<Desk client={client} />)).toBe("<p>connecting||||</p>");
  await settled();
  expect(environment.link.sent).toEqual([]);
});
