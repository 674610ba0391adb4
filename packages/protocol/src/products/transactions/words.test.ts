import { describe, expect, it } from "vitest";
import { parseJson } from "../../json.ts";
import { feedServerMessage } from "./messages.ts";
import { fraudAlertData, transactionData, walletBalanceData, walletChangedData } from "./schema.ts";
import { foldWallets } from "./wallets.ts";
import { balanceMessageOf, feedMessageOf } from "./words.ts";

const told = { eventId: "EV-0001000000000001", time: "2024-11-09T15:30:00.123+01:00" };
const head = (type: string) => `{"type":"${type}","eventId":"EV-0001000000000001","timestamp":"2024-11-09T14:30:00.123Z",`;
const schemas = {
  "transaction.completed": transactionData,
  "wallet.balance": walletBalanceData,
  "wallet.changed": walletChangedData,
  "fraud.alert": fraudAlertData,
};

function messageOf(type: keyof typeof schemas, json: string): string {
  const message = feedMessageOf(type, schemas[type].parse(parseJson(json)), told);
  expect(feedServerMessage.safeParse(message).error).toBeUndefined();
  return JSON.stringify(message);
}

describe("the message of an event", () => {
  it("of a transaction keeps digits, shows what the contract names, and hides secrets in meta", () => {
    const shown =
      '"id":"TXN-1","amount":50000.00,"currency":"NGN","type":"TRANSFER","status":"SUCCESS","counterpartyName":"John Doe",' +
      '"counterpartyPhone":"+2349012345678","description":"Salary payment October 2024","createdAt":"2024-11-09T14:30:00.000Z","fees":"50.00",';
    const published = shown.replace("00.000Z", "00Z");
    expect(
      messageOf(
        "transaction.completed",
        `{"userId":"ann","transaction":{${published}"meta":{"reference":"PAY-001","card":{"cardNumber":"4111","rate":1.10}},"cvv":"123"},"more":1}`,
      ),
    ).toBe(`${head("transaction")}"transaction":{${shown}"meta":{"reference":"PAY-001","card":{"cardNumber":"[redacted]","rate":1.10}}}}`);
  });

  it("of a transaction leaves out what it does not have", () => {
    const needed = '"id":"t","amount":"0.10","currency":"NGN","type":"T","status":"S"';
    expect(
      messageOf("transaction.completed", `{"userId":"ann","transaction":{${needed},"fees":null,"meta":null,"createdAt":1731162600000}}`),
    ).toBe(`${head("transaction")}"transaction":{${needed},"createdAt":"2024-11-09T14:30:00.000Z"}}`);
  });

  it("of a balance, a wallet and a suspicion shows what the contract names", () => {
    const wallet =
      '"currency":"NGN","availableBalance":49950000.00,"ledgerBalance":"50000000.00","pendingAmount":50000.00,"lockedAmount":0.00';
    expect(messageOf("wallet.balance", `{"userId":"ann","wallet":{${wallet},"shard":7}}`)).toBe(`${head("balance")}"wallet":{${wallet}}}`);
    const change = '"currency":"USD","action":"CREATED","status":"ACTIVE"';
    expect(messageOf("wallet.changed", `{"userId":"ann","wallet":{${change},"by":"ops"}}`)).toBe(`${head("wallet")}"wallet":{${change}}}`);
    const alert = '"transactionId":"t","riskScore":75.0,"reason":"VELOCITY_CHECK","action":"REVIEW"';
    expect(messageOf("fraud.alert", `{"userId":"ann","alert":{${alert},"model":"v2","details":{"pin":1,"count":5}}}`)).toBe(
      `${head("fraud")}"alert":{${alert},"details":{"pin":"[redacted]","count":5}}}`,
    );
    expect(messageOf("fraud.alert", `{"userId":"ann","alert":{${alert},"details":null}}`)).toBe(`${head("fraud")}"alert":{${alert}}}`);
  });

  it("is none for types of other products", () => {
    expect(feedMessageOf("rfq.created", {}, told)).toBeUndefined();
  });

  it("of a balance reads the same when it is told as it stands", () => {
    const json =
      '{"userId":"ann","wallet":{"currency":"NGN","availableBalance":1.00,"ledgerBalance":2,"pendingAmount":"0.0","lockedAmount":0}}';
    const data = walletBalanceData.parse(parseJson(json));
    const [wallet] = foldWallets(undefined, { type: "wallet.balance", data, offset: 1, time: told.time })?.wallets ?? [];
    expect(wallet?.balance).toBeDefined();
    if (wallet?.balance === undefined) return;
    expect(JSON.stringify(balanceMessageOf({ currency: wallet.currency, ...wallet.balance }, told))).toBe(
      messageOf("wallet.balance", json),
    );
  });
});
