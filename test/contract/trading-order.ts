/** An order as a publisher tells of it: what the tests of several nodes publish. */

export function orderCreated(id: string, userId = "ann") {
  return {
    type: "trading.order.created",
    data: {
      userId,
      order: {
        id,
        symbol: "AAPL",
        side: "buy",
        type: "limit",
        quantity: "10",
        price: "1.50",
        status: "open",
        filledQuantity: "0",
        averagePrice: null,
        createdAt: "2026-11-21T12:00:00.000Z",
      },
    },
  };
}
