/** Recorded card payments and transfers, cast as those of the demo's users; see `data/recorded/README.md`. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Trader } from "../desk/rfq-on-desk.ts";

/**
 * What the recording says of a transfer's honesty: "laundering" runs between two labelled accounts in the step of the
 * fraud, "suspect" between two labelled accounts at another time.
 */
export type Label = "laundering" | "suspect";

export type RecordType = "CARD_PAYMENT" | "CARD_REFUND" | "TRANSFER_IN" | "TRANSFER_OUT";

/** One party's side of a payment. */
export interface BankRecord {
  readonly userId: string;
  readonly currency: string;
  readonly type: RecordType;
  /** The origin's digits, without a sign. */
  readonly amount: string;
  readonly counterpartyName: string;
  readonly description?: string;
  readonly label?: Label;
  /** Where in its recording it stands. */
  readonly meta: Readonly<Record<string, string>>;
}

const FOLDER = new URL("../../../../data/recorded/", import.meta.url);
const CARDS = new URL("oxford-cards-201701.csv.gz", FOLDER);
const TRANSFERS = new URL("amlsim-transfers.csv.gz", FOLDER);

/** Who pays: users of the demo, of whatever tenant. */
const ADA: Trader = { userId: "ada", tenant: "demo-bank" };
const BEN: Trader = { userId: "ben", tenant: "demo-bank" };
const CLEO: Trader = { userId: "cleo", tenant: "demo-fund" };
export const BANK_USERS: readonly Trader[] = [ADA, BEN, CLEO];

/** The cards by turns; Ben has fewer transfers, so he pays more with his. */
const CARD_TURNS: readonly [Trader, ...Trader[]] = [ADA, BEN, CLEO, BEN];
const USER_OF_ACCOUNT: ReadonlyMap<string, Trader> = new Map([
  ["19993", ADA],
  // The recording is cut to the two others' transfers: of these accounts it has only what went to or came from those.
  ["12774", BEN],
  ["14975", BEN],
  ["18205", BEN],
  ["9991", CLEO],
]);

/** Both recordings from beginning to end, each spread evenly over the whole. */
export function readRecords(): readonly BankRecord[] {
  return interleave(rowsOf(CARDS).map(cardPayment), rowsOf(TRANSFERS).flatMap(transfers));
}

function cardPayment([date = "", reference = "", value = "", merchant = "", description = ""]: readonly string[], row: number): BankRecord {
  const isRefund = value.startsWith("-");
  return {
    userId: (CARD_TURNS[row % CARD_TURNS.length] ?? ADA).userId,
    currency: "GBP",
    type: isRefund ? "CARD_REFUND" : "CARD_PAYMENT",
    amount: isRefund ? value.slice(1) : value,
    counterpartyName: merchant,
    ...(description !== "" && { description }),
    meta: { recording: "oxford-cards-201701", date, reference },
  };
}

/** One for each party that is a user of the demo. */
function transfers([time = "", source = "", target = "", amount = "", ofSource, ofTarget, fraudStep]: readonly string[]): BankRecord[] {
  const label = ofSource === "1" && ofTarget === "1" ? (fraudStep === time ? "laundering" : "suspect") : undefined;
  const side = (account: string, type: RecordType, other: string): BankRecord[] => {
    const user = USER_OF_ACCOUNT.get(account);
    if (user === undefined) return [];
    const meta = { recording: "amlsim-transfers", step: time };
    return [{ userId: user.userId, currency: "USD", type, amount, counterpartyName: `Account ${other}`, ...(label && { label }), meta }];
  };
  return [...side(source, "TRANSFER_OUT", target), ...side(target, "TRANSFER_IN", source)];
}

/** Each list in its own order; among equals the first list's first. */
export function interleave<T>(first: readonly T[], second: readonly T[]): T[] {
  const placed = [first, second].flatMap((list) => list.map((item, index) => ({ item, at: (index + 0.5) / list.length })));
  return placed.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/** No field of these files holds a comma or a quote. */
function rowsOf(file: URL): string[][] {
  const [, ...lines] = gunzipSync(readFileSync(file)).toString("utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(","));
}
