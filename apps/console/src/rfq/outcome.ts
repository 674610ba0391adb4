/** How an RFQ ended, in words. */
import { digitsOf } from "./digits.ts";
import type { RfqStory } from "./rfq-stories.ts";
import type { Decimal, RfqStatus } from "./rfq-types.ts";

/** Empty while it runs. What the page was not told (it was opened later) it does not say. */
export function outcomeOf(status: RfqStatus, { reason, tradeId }: RfqStory, price: Decimal | undefined): string {
  switch (status) {
    case "filled":
      return ["Filled", ...(price === undefined ? [] : [`at ${digitsOf(price)}`]), ...(tradeId === undefined ? [] : [`· ${tradeId}`])].join(
        " ",
      );
    case "expired":
      return "Expired";
    case "cancelled":
      return reason === undefined ? "Cancelled" : `Cancelled: ${reason}`;
    default:
      return "";
  }
}
