/** Broadtape's products, and where each meets its clients. */
import type { Config } from "./config.ts";
import type { Product } from "./engine/product.ts";
import type { Desk, SocketSurface, StreamSurface } from "./engine/surface.ts";
import { agentsProduct } from "./products/agents/declaration.ts";
import { alertsProduct } from "./products/alerts/declaration.ts";
import { alertStream } from "./products/alerts/stream-surface.ts";
import { decisionsProduct } from "./products/decisions/declaration.ts";
import { decisionStream } from "./products/decisions/stream-surface.ts";
import { marketData } from "./products/market-data/declaration.ts";
import { priceStream } from "./products/market-data/price-stream.ts";
import { marketDataSocket } from "./products/market-data/socket-surface.ts";
import { marketDataStream } from "./products/market-data/stream-surface.ts";
import { rfqProduct } from "./products/rfq/declaration.ts";
import { rfqSocket } from "./products/rfq/socket-surface.ts";
import { strategiesProduct } from "./products/strategies/declaration.ts";
import { strategyStream } from "./products/strategies/stream-surface.ts";
import { tradingProduct } from "./products/trading/declaration.ts";
import { tradingSocket } from "./products/trading/socket-surface.ts";
import { tradingStreams } from "./products/trading/streams.ts";
import type { FeedOptions } from "./products/transactions/conversation.ts";
import { transactionsProduct } from "./products/transactions/declaration.ts";
import { transactionsSocket, transactionsStream } from "./products/transactions/surfaces.ts";

export interface Products {
  readonly products: readonly Product[];
  readonly surfaces: readonly SocketSurface[];
  /** Made for the engine that runs them. */
  readonly streams: (desk: Desk) => readonly StreamSurface[];
}

export function productsOf({ limits, symbols }: Config): Products {
  const market = marketData({ symbols, staleSourceMs: limits.staleSourceMs });
  const commandRate = { burst: limits.marketDataCommandsBurst, perSecond: limits.marketDataCommandsPerSecond };
  const rfqCommandRate = { burst: limits.rfqCommandsBurst, perSecond: limits.rfqCommandsPerSecond };
  const { heartbeatMs, symbolsPerClient, marketDataIdleMs } = limits;
  const streaming = {
    heartbeatMs,
    connectionsPerUser: limits.streamsPerUser,
    absences: { events: limits.streamMissedEvents, ageMs: limits.streamMissedMs },
  };
  return {
    products: [
      market,
      rfqProduct,
      transactionsProduct,
      alertsProduct,
      decisionsProduct,
      strategiesProduct,
      agentsProduct,
      tradingProduct(market.prices),
    ],
    surfaces: [
      marketDataSocket(market, { heartbeatMs, idleMs: marketDataIdleMs, symbolsPerClient, commandRate }),
      rfqSocket({ heartbeatMs, idleMs: marketDataIdleMs, rfqsPerClient: limits.rfqsPerClient, commandRate: rfqCommandRate }),
      transactionsSocket(feedOptions(limits)),
      tradingSocket({ heartbeatMs, idleMs: marketDataIdleMs, commandRate }),
    ],
    streams: (desk) => [
      marketDataStream(market, { heartbeatMs, symbolsPerClient }),
      transactionsStream({ heartbeatMs }),
      ...tradingStreams(market.prices, streaming, desk),
      priceStream({ ...streaming, symbolsPerClient }, desk),
      decisionStream(streaming, desk),
      strategyStream(streaming, desk),
      alertStream(streaming, desk),
    ],
  };
}

export function feedOptions(limits: Config["limits"]): FeedOptions {
  const { transactionsMessagesBurst, transactionsAcksBurst, transactionsAcksPerSecond, ackWindow, redeliverMs, redeliverSends } = limits;
  return {
    heartbeatMs: limits.heartbeatMs,
    idleMs: limits.transactionsIdleMs,
    commandRate: { burst: transactionsMessagesBurst, perSecond: transactionsMessagesBurst / 60 },
    ackRate: { burst: transactionsAcksBurst, perSecond: transactionsAcksPerSecond },
    delivery: { window: ackWindow, redeliverMs, sends: redeliverSends },
    maxWindow: Math.max(ackWindow, limits.ackWindowMost),
  };
}
