/** Which symbols a client may name (contract 10-market-data: "invalid symbol"). */
import type { Identity } from "@broadtape/protocol/identity";
import type { Desk } from "../../engine/surface.ts";
import { isPattern } from "../../engine/topics.ts";
import type { MarketData } from "./declaration.ts";

/** Whether the symbol is in the universe or, where that is learned, was priced in a tenant that this identity sees; patterns need their permission. */
export function isKnown(
  product: MarketData,
  desk: Pick<Desk, "allow" | "views" | "publicTenant">,
  identity: Identity,
  symbol: string,
): boolean {
  if (typeof desk.allow(identity, `symbol:${symbol}`) === "string") return false;
  if (isPattern(symbol) || product.hasUniverse) return true;
  return [identity.tenant, desk.publicTenant].some((tenant) => desk.views.entry(product.prices, tenant, symbol) !== undefined);
}
