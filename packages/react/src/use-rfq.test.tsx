// @vitest-environment happy-dom
import { type ReactElement, StrictMode } from "react";
import { act, cleanup, render } from "@testing-library/react";
import { RfqStreamingClient } from "@broadtape/client/rfq";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeEnvironment, idOf, settled } from "../../client/testing/fake-environment.ts";
import { useRfq, useTraderRfqs } from "./use-rfq.ts";

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

const rfq = {
  id: "r1",
  status: "distributed",
  symbol: "EUR/USD",
  side: "buy",
  quantity: 5,
  expiresAt: "2026-11-21T12:00:00.000Z",
  timeRemaining: 30,
};
const state = { rfq, quotes: [], composite: { quoteCount: 0 }, basis: { traderId: "ann", order: [], ranks: {} }, eventId: idOf(1) };
const rfqs = [{ id: "r1", symbol: "EUR/USD", side: "buy", quantity: 5, status: "distributed", expiresAt: rfq.expiresAt }];

function Ticket({ client }: { client: RfqStreamingClient }): ReactElement {
  const { state: shown, timeRemaining, status } = useRfq(client, "r1");
  const own = useTraderRfqs(client);
  return (
    <p>
      {[status ?? "?", timeRemaining ?? "?", shown?.composite.bestAsk?.toString() ?? "-", own.map((each) => each.status).join()].join(" ")}
    </p>
  );
}

it("shows an RFQ, its countdown and the trader's list as they are folded, and follows nothing when it is gone", async () => {
  const environment = new FakeEnvironment();
  const client = new RfqStreamingClient({ url: "http://test", environment });
  const view = render(
    <StrictMode>
      <Ticket client={client} />
    </StrictMode>,
  );
  expect(view.container.textContent).toBe("? ? - ");
  await act(async () => {
    await settled();
    environment.link.welcome();
    await settled();
    environment.link.accept({ "rfq:r1": state, "trader:me": { rfqs, eventId: idOf(1) } }, idOf(1));
    await settled();
  });
  nextFrame();
  expect(view.container.textContent).toBe("distributed 30 - distributed");
  const say = async (topic: string, event: string, offset: number | undefined, data: object) => {
    const id = offset === undefined ? { key: "c" } : { eventId: idOf(offset) };
    environment.link.say({ type: "event", topic, event, time: "", data: { rfqId: "r1", ...data }, ...id });
    await settled();
  };
  await say("rfq:r1", "rfq.countdown", undefined, { timeRemaining: 29, expiresAt: rfq.expiresAt });
  await say("rfq:r1", "quote.received", 2, { quoteId: "q", lpId: "lp", askPrice: 1.25, status: "valid" });
  nextFrame();
  expect(view.container.textContent).toMatch(/^distributed \d+ 1.25 distributed$/);
  await say("rfq:r1", "rfq.filled", 3, { tradeId: "t", price: 1.25, quantity: 5 });
  await say("trader:me", "rfq.filled", 3, { tradeId: "t", price: 1.25, quantity: 5 });
  nextFrame();
  expect(view.container.textContent).toMatch(/^filled \d+ 1.25 filled$/);
  view.unmount();
  await settled();
  expect(
    environment.link
      .said("unsubscribe")
      .flatMap(({ topics }) => topics)
      .sort(),
  ).toEqual(["rfq:r1", "trader:me"]);
});
