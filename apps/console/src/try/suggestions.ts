/** What a form begins with, so that an event can be published at once and looks like one of its kind. */
import type { Field } from "./schema-field.ts";
import type { Suggest } from "./draft.ts";

export interface Surroundings {
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Told apart from every other; a few letters and digits. */
  readonly mark: string;
}

const DEADLINE_MS = 60_000;

const BY_NAME: Readonly<Record<string, string>> = {
  symbol: "EURUSD",
  currency: "USD",
  source: "try",
  lpId: "LP-1",
  lpCount: "3",
  ranking: "1",
  riskScore: "0.90",
  confidence: "0.80",
  quantity: "1000000",
  filledQuantity: "0",
  size: "1000000",
  price: "1.08450",
  bid: "1.08450",
  ask: "1.08460",
  status: "SUCCESS",
  name: "Tried out",
  action: "buy",
  signal: "entry",
  level: "info",
};

export function suggestions({ userId, now, mark }: Surroundings): Suggest {
  return (name, field: Field) => {
    if (field.kind === "number" || field.kind === "decimal") {
      if (/time(stamp)?$/i.test(name)) return String(now);
      return BY_NAME[name] ?? (field.kind === "number" && field.isWhole ? "1" : "100.00");
    }
    if (field.kind === "time") return new Date(/^(new)?expires/i.test(name) ? now + DEADLINE_MS : now).toISOString();
    if (field.kind !== "text") return "";
    if (name === "userId" || name === "traderId") return userId;
    const known = BY_NAME[name];
    if (known !== undefined) return known;
    if (name === "id" || name.endsWith("Id")) return `${name === "id" ? "try" : name.slice(0, -2)}-${mark}`;
    return name === "type" ? "transfer" : `tried out by hand`;
  };
}
