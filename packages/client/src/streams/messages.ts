/** What the streams of contract part 5 say, in types, and whether something is what its name says. */
import type { Decimal } from "@broadtape/protocol/money";

export type StreamName = "orders" | "positions" | "prices" | "trading" | "ai-decisions" | "strategies" | "alerts";

/** In every message about an event: the event, and when it happened (ISO 8601 in UTC). */
interface OfEvent {
  readonly eventId: string;
  readonly timestamp: string;
}

export interface StreamOrder extends OfEvent {
  readonly orderId: string;
  readonly symbol: string;
  readonly side?: "buy" | "sell";
  readonly qty?: Decimal;
  readonly status: string;
  readonly filledQty?: Decimal;
  readonly filledAvgPrice?: Decimal | null;
  readonly reason?: string;
}

export interface OrderSnapshot extends OfEvent {
  readonly snapshot: true;
  readonly orders: readonly Omit<StreamOrder, keyof OfEvent>[];
}

export interface OrderFill extends OfEvent {
  readonly orderId: string;
  readonly symbol: string;
  readonly status: "filled" | "partially_filled";
  readonly filledQty: Decimal;
  readonly filledAvgPrice: Decimal | null;
}

export interface StreamPosition {
  /** Where the server names positions; else there is one a symbol. */
  readonly positionId?: string;
  readonly symbol: string;
  /** Zero: it is closed. */
  readonly quantity: Decimal;
  readonly entryPrice: Decimal;
  readonly currentPrice: Decimal;
  readonly unrealizedPnL: Decimal;
  readonly realizedPnL?: Decimal;
}

export interface PositionUpdate extends OfEvent {
  readonly snapshot?: true;
  /** Those that changed; in a snapshot all open ones. */
  readonly positions: readonly StreamPosition[];
  /** Of all open ones. */
  readonly totalValue: Decimal;
}

export interface StreamTrade extends OfEvent {
  readonly tradeId: string;
  readonly orderId: string;
  readonly symbol: string;
  readonly side: string;
  readonly type: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly value: Decimal;
  readonly fee: Decimal;
  readonly executedAt: string;
}

export interface StreamPrice extends OfEvent {
  readonly symbol: string;
  /** The mid; left out, as each side is, where nobody quotes it. */
  readonly price?: Decimal;
  readonly bid?: Decimal;
  readonly ask?: Decimal;
  /** As it stood when the stream began. */
  readonly initializing?: boolean;
}

export interface StreamAlert extends OfEvent {
  readonly alertId: string;
  readonly level: "info" | "warning" | "error";
  readonly message: string;
}

export type AgentStatus = OfEvent & { readonly agentId: string; readonly status: string; readonly [more: string]: unknown };
/** An AI decision says what it says; these fields it has always. */
export type AiDecision = OfEvent & { readonly [more: string]: unknown };
export type StrategyUpdate = OfEvent & { readonly strategyId: string; readonly [more: string]: unknown };

export interface StreamMessages {
  readonly connected: { readonly clientId: string; readonly stream: string; readonly timestamp: string };
  readonly "order:update": StreamOrder | OrderSnapshot;
  readonly "order:fill": OrderFill;
  readonly "position:update": PositionUpdate;
  readonly "trade:new": StreamTrade;
  readonly "price:update": StreamPrice;
  readonly "ai:decision": AiDecision;
  readonly "agent:status": AgentStatus;
  readonly "strategy:update": StrategyUpdate;
  readonly "alert:new": StreamAlert;
  readonly heartbeat: { readonly timestamp: string; readonly lastEventId: string };
  /** What was missed cannot be told: a snapshot follows where the stream has one. */
  readonly resync: { readonly reason: "unknown" | "expired" };
  /** One connection too many; with `reconnect: false` the stream is closed until `connect()`. */
  readonly limit: { readonly reason: string; readonly max: number; readonly reconnect: boolean };
  readonly error: { readonly code: string; readonly message?: string; readonly reconnectAfterMs?: number };
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields without which a message says nothing: text, each of them. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  connected: ["clientId"],
  "order:update": ["orderId", "symbol", "status", "eventId"],
  "order:fill": ["orderId", "symbol", "status", "eventId"],
  "trade:new": ["tradeId", "symbol", "eventId"],
  "price:update": ["symbol", "eventId"],
  "ai:decision": ["eventId"],
  "agent:status": ["agentId", "status", "eventId"],
  "strategy:update": ["strategyId", "eventId"],
  "alert:new": ["alertId", "level", "message", "eventId"],
  heartbeat: ["lastEventId"],
  error: ["code"],
};
/** In a list of these: */
const LISTED: Readonly<Record<string, { readonly list: string; readonly texts: readonly string[] }>> = {
  "order:update": { list: "orders", texts: ["orderId", "symbol", "status"] },
  "position:update": { list: "positions", texts: ["symbol"] },
};

/** Whether a message's data has what its name asks for. Names that are not known here are the callbacks' own. */
export function isShaped(name: string, data: unknown): data is Fields {
  if (!isFields(data)) return false;
  const listed = LISTED[name];
  if (listed === undefined || (name === "order:update" && data["snapshot"] !== true)) return hasTexts(data, TEXTS[name] ?? []);
  const items = data[listed.list];
  if (!hasTexts(data, ["eventId"]) || !Array.isArray(items)) return false;
  return items.every(
    (item) => isFields(item) && hasTexts(item, listed.texts) && (name !== "position:update" || isNumeric(item["quantity"])),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasTexts(data: Fields, names: readonly string[]): boolean {
  return names.every((name) => typeof data[name] === "string");
}

/** As number, as an `ExactNumber`, or as text: what reads as a finite number. */
function isNumeric(value: unknown): boolean {
  if (typeof value === "string") return value.trim() !== "" && Number.isFinite(Number(value));
  return (typeof value === "number" || isFields(value)) && Number.isFinite(Number(value));
}
