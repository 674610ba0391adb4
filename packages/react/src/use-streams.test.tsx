// @vitest-environment happy-dom
import { type ReactElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { act, cleanup, render } from "@testing-library/react";
import { Streams } from "@broadtape/client/streams";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeStreamEnvironment, turn } from "../../client/testing/fake-streams.ts";
import { StreamsProvider } from "./streams-context.tsx";
import { useAlerts, useOrderStream, usePositionStream, usePriceStream } from "./use-streams.ts";

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

function setUp() {
  const environment = new FakeStreamEnvironment();
  const streams = new Streams({ url: "http://test", environment });
  const streamOf = (path: string) => environment.streams.findLast(({ url }) => url === `http://test/api/stream/${path}`)!;
  return { environment, streams, streamOf };
}

function Orders({ onPaint }: { onPaint?: () => void }): ReactElement {
  const { orders, status } = useOrderStream();
  onPaint?.();
  return <p>{[status.state, ...orders.map(({ orderId, status: is }) => `${orderId} ${is}`)].join(" ")}</p>;
}

function Prices({ symbols, streams }: { symbols: readonly string[]; streams: Streams }): ReactElement {
  const { prices } = usePriceStream(symbols, streams);
  return <p>{symbols.map((symbol) => `${symbol} ${String(prices.get(symbol)?.price ?? "?")}`).join()}</p>;
}

function Others({ streams }: { streams: Streams }): ReactElement {
  const { positions, totalValue } = usePositionStream(streams);
  const { alerts } = useAlerts(streams);
  return (
    <p>
      {[positions.map(({ symbol }) => symbol).join(), String(totalValue ?? "-"), alerts.map(({ message }) => message).join()].join("|")}
    </p>
  );
}

const order = (orderId: string, status = "open") => ({ orderId, symbol: "A", status });

it("opens one stream for all who look at it, under StrictMode too, and closes it when the last has gone", async () => {
  const { environment, streams, streamOf } = setUp();
  let paints = 0;
  const page = (count: number) => (
    <StrictMode>
      <StreamsProvider streams={streams}>
        {Array.from({ length: count }, (_, index) => (
          <Orders key={index} onPaint={() => (paints += 1)} />
        ))}
      </StreamsProvider>
    </StrictMode>
  );
  const view = render(page(2));
  await act(turn);
  expect([environment.streams.length, view.container.textContent]).toEqual([1, "connectingconnecting"]);
  await act(async () => {
    await streamOf("orders").greet();
    await streamOf("orders").tell("order:update", 1, { snapshot: true, orders: [order("o1")] });
  });
  nextFrame();
  expect(view.container.textContent).toBe("live o1 openlive o1 open");
  view.rerender(page(1));
  await turn();
  const before = paints;
  for (let offset = 2; offset < 20; offset++) await streamOf("orders").tell("order:update", offset, order("o1", `s${offset}`));
  expect(paints).toBe(before);
  nextFrame();
  expect([view.container.textContent, paints]).toEqual(["live o1 s19", before + 2]);
  view.unmount();
  await turn();
  expect([environment.streams.length, streamOf("orders").isAborted, environment.alarms, environment.watchers]).toEqual([1, true, 0, 0]);
});

it("shows prices of the symbols it is given, and asks for none where there are none", async () => {
  const { environment, streams, streamOf } = setUp();
  const view = render(<Prices streams={streams} symbols={[]} />);
  await act(turn);
  expect(environment.streams.length).toBe(0);
  view.rerender(<Prices streams={streams} symbols={["A", "B"]} />);
  await act(turn);
  const first = streamOf("prices?symbols=A%2CB");
  await act(async () => {
    await first.greet("anonymous", "prices");
    await first.tell("price:update", 1, { symbol: "A", price: 1.5 });
  });
  nextFrame();
  expect(view.container.textContent).toBe("A 1.5,B ?");
  view.rerender(<Prices streams={streams} symbols={["A", "B"]} />);
  view.rerender(<Prices streams={streams} symbols={["B"]} />);
  await act(turn);
  expect(environment.streams.map(({ url, isAborted }) => [url.split("=")[1], isAborted])).toEqual([
    ["A%2CB", true],
    ["B", false],
  ]);
});

it("shows positions, what they are worth, and alerts", async () => {
  const { streams, streamOf } = setUp();
  const view = render(<Others streams={streams} />);
  expect(view.container.textContent).toBe("|-|");
  await act(async () => {
    await turn();
    await streamOf("positions").greet("ann", "positions");
    await streamOf("positions").tell("position:update", 1, {
      snapshot: true,
      positions: [{ symbol: "A", quantity: "1" }],
      totalValue: "7.50",
    });
    await streamOf("alerts").greet("ann", "alerts");
    await streamOf("alerts").tell("alert:new", 2, { alertId: "a", level: "error", message: "margin" });
  });
  nextFrame();
  expect(view.container.textContent).toBe("A|7.50|margin");
});

it("shows nothing on the server, and opens nothing there", async () => {
  const { environment, streams } = setUp();
  expect(renderToString(<Others streams={streams} />)).toBe("<p>|-|</p>");
  await turn();
  expect(environment.streams).toEqual([]);
});

it("names what is missing where there is no provider", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect(() => render(<Orders />)).toThrow("StreamsProvider");
  vi.restoreAllMocks();
});
