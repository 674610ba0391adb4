// @vitest-environment happy-dom
import { type ReactElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { act, cleanup, render } from "@testing-library/react";
import { Broadtape, MarketDataClient } from "@broadtape/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeEnvironment, idOf, settled } from "../../client/testing/fake-environment.ts";
import { BroadtapeProvider, useConnection } from "./context.tsx";
import { useMarketData } from "./use-market-data.ts";
import { useTopic } from "./use-topic.ts";

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

function connect() {
  const environment = new FakeEnvironment();
  const tape = new Broadtape({ url: "http://test", environment });
  const price = async (symbol: string, bid: number, offset: number) => {
    const data = { symbol, bestBid: { price: bid, size: 1, source: "A" }, timestamp: 1 };
    const event = { type: "event", topic: `symbol:${symbol}`, event: "market-data.best-price", time: "", key: symbol } as const;
    environment.link.say({ ...event, eventId: idOf(offset), data });
    await settled();
  };
  const welcome = async () => {
    await settled();
    environment.link.welcome();
    await settled();
  };
  return { environment, tape, client: new MarketDataClient({ tape }), price, welcome };
}

function Prices({ client, symbols, onPaint }: { client: MarketDataClient; symbols: string[]; onPaint: () => void }): ReactElement {
  const prices = useMarketData(client, symbols);
  onPaint();
  return <p>{symbols.map((symbol) => `${symbol} ${prices.get(symbol)?.bestBid?.price ?? "?"}`).join(", ")}</p>;
}

it("shows prices, at most once a frame, and only its own symbols repaint it", async () => {
  const { environment, client, price, welcome } = connect();
  let paints = 0;
  const view = render(<Prices client={client} symbols={["A"]} onPaint={() => (paints += 1)} />);
  await act(welcome);
  environment.link.accept({}, idOf(0));
  void client.subscribe(["B"], () => undefined);
  await settled();
  const before = paints;
  for (let bid = 1; bid <= 50; bid++) await price("A", bid, bid);
  expect(paints).toBe(before);
  nextFrame();
  expect(paints).toBe(before + 1);
  expect(view.container.textContent).toBe("A 50");
  await price("B", 1, 60);
  nextFrame();
  expect(paints).toBe(before + 1);
});

it("subscribes once under StrictMode and follows what it is given, and nothing is left when it is gone", async () => {
  const { environment, client, welcome } = connect();
  const page = (symbols: string[]) => (
    <StrictMode>
      <Prices client={client} symbols={symbols} onPaint={() => undefined} />
    </StrictMode>
  );
  const view = render(page(["A", "B"]));
  await act(welcome);
  environment.link.accept({}, idOf(0));
  expect(environment.link.said("subscribe").map(({ topics }) => topics)).toEqual([["symbol:A", "symbol:B"]]);
  view.rerender(page(["B", "C"]));
  await settled();
  expect(environment.link.said("subscribe").at(-1)?.topics).toContain("symbol:C");
  environment.link.accept({}, idOf(0));
  view.unmount();
  await settled();
  const ended = environment.link.said("unsubscribe").flatMap(({ topics }) => topics);
  expect(new Set(ended)).toEqual(new Set(["symbol:A", "symbol:B", "symbol:C"]));
});

it.each(["useMarketData", "useTopic"])(
  "%s leaves one subscription after mount, unmount and mount, and none after the last",
  async (hook) => {
    const { environment, tape, client, welcome } = connect();
    const page = (isThere: boolean) => (
      <StrictMode>
        <BroadtapeProvider tape={tape}>
          {isThere && (hook === "useTopic" ? <Topic /> : <Prices client={client} symbols={["A"]} onPaint={() => undefined} />)}
        </BroadtapeProvider>
      </StrictMode>
    );
    const view = render(page(true));
    await act(welcome);
    for (const isThere of [false, true]) {
      environment.link.accept({ "symbol:A": null });
      view.rerender(page(isThere));
      await settled();
    }
    expect(environment.link.sent.map(({ type }) => type)).toEqual(["subscribe", "unsubscribe", "subscribe"]);
    view.rerender(page(false));
    view.rerender(page(true));
    view.unmount();
    await settled();
    expect(environment.link.sent.map(({ type }) => type)).toEqual(["subscribe", "unsubscribe", "subscribe", "unsubscribe"]);
  },
);

it("keeps on the screen what is known: for who stays, who comes, and when a symbol is added", async () => {
  const { environment, client, price, welcome } = connect();
  const texts: (string | null)[] = [];
  const page = (...lists: string[][]) =>
    lists.map((symbols, index) => <Prices key={index} {...{ client, symbols }} onPaint={() => undefined} />);
  const view = render(page(["A"], ["A"]));
  await act(welcome);
  environment.link.accept({ "symbol:A": { symbol: "A", bestBid: { price: 1 }, eventId: idOf(1) } }, idOf(1));
  nextFrame();
  for (const lists of [[["A"]], [["A"], ["A"]], [["A", "B"]], [["A", "B"]]]) {
    view.rerender(page(...lists));
    texts.push(view.container.textContent);
    await settled();
  }
  expect(texts).toEqual(["A 1", "A 1A 1", "A 1, B ?", "A 1, B ?"]);
  await price("A", 2, 2);
  nextFrame();
  expect(view.container.textContent).toBe("A 2, B ?");
  expect(environment.link.said("unsubscribe")).toEqual([]);
});

it("shows nothing on the server, and follows nothing there", async () => {
  const { environment, client, welcome } = connect();
  await welcome();
  expect(renderToString(<Prices client={client} symbols={["A", "EUR*"]} onPaint={() => undefined} />)).toBe("<p>A ?, EUR* ?</p>");
  await settled();
  expect(environment.link.sent).toEqual([]);
});

function Topic(): ReactElement {
  const { state } = useConnection();
  const price = useTopic("symbol:A") as { bestBid?: { price: number } } | null | undefined;
  return <p>{`${state} ${price?.bestBid?.price ?? "?"}`}</p>;
}

it("shows the connection and a topic's state", async () => {
  const { environment, tape, price, welcome } = connect();
  const view = render(
    <StrictMode>
      <BroadtapeProvider tape={tape}>
        <Topic />
      </BroadtapeProvider>
    </StrictMode>,
  );
  expect(view.container.textContent).toBe("connecting ?");
  await act(async () => {
    await welcome();
    environment.link.accept({ "symbol:A": { symbol: "A", bestBid: { price: 7 }, eventId: idOf(1) } }, idOf(1));
  });
  nextFrame();
  expect(view.container.textContent).toBe("live 7");
  for (let bid = 1; bid <= 8; bid++) await price("A", bid, 1 + bid);
  expect(view.container.textContent).toBe("live 7");
  nextFrame();
  expect(view.container.textContent).toBe("live 8");
  await act(async () => {
    environment.link.end();
    await settled();
  });
  expect(view.container.textContent).toBe("stale 8");
});

it("names what is missing where there is no provider", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect(() => render(<Topic />)).toThrow("BroadtapeProvider");
  vi.restoreAllMocks();
});
