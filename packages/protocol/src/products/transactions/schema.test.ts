import { describe, expect, it } from "vitest";
import { ExactNumber, parseJson } from "../../json.ts";
import { fraudAlertData, transactionData, walletBalanceData, walletChangedData } from "./schema.ts";

const transaction = { id: "TXN-1", amount: 50000, currency: "NGN", type: "TRANSFER", status: "SUCCESS", createdAt: "2024-11-09T14:30:00Z" };
const wallet = { currency: "NGN", availableBalance: 1, ledgerBalance: "2.00", pendingAmount: 0, lockedAmount: 0 };
const change = { currency: "USD", action: "CREATED", status: "ACTIVE" };
const alert = { transactionId: "TXN-1", riskScore: 75, reason: "VELOCITY_CHECK", action: "REVIEW" };

const ofTransaction = (fields: object) => transactionData.safeParse({ userId: "ann", transaction: { ...transaction, ...fields } });
const ofWallet = (fields: object) => walletBalanceData.safeParse({ userId: "ann", wallet: { ...wallet, ...fields } });
const ofChange = (fields: object) => walletChangedData.safeParse({ userId: "ann", wallet: { ...change, ...fields } });
const ofAlert = (fields: object) => fraudAlertData.safeParse({ userId: "ann", alert: { ...alert, ...fields } });

describe("an event of the money feed", () => {
  it("keeps the digits of its amounts, as numbers and as text, and fields that nobody named", () => {
    const text =
      '{"userId":"ann","transaction":{"id":"t","amount":50000.00,"currency":"NGN","type":"TRANSFER","status":"SUCCESS","fees":"50.00",' +
      '"createdAt":"2024-11-09T14:30:00Z","meta":{"rate":1.10},"branch":"0049"},"more":12345678901234567890}';
    const data = transactionData.parse(parseJson(text));
    expect(data.transaction.amount).toEqual(new ExactNumber("50000.00"));
    expect(JSON.parse(JSON.stringify(data))).toEqual(JSON.parse(text));
    for (const digits of ["50000.00", '"50.00"', "1.10", "12345678901234567890"]) expect(JSON.stringify(data)).toContain(digits);
  });

  it.each([0, -5, 1e-7, "0", "-50000.00", "12345678901234567890.0000000001", new ExactNumber("1.50e3")])(
    "may have the amount %s",
    (amount) => {
      expect(ofTransaction({ amount }).success).toBe(true);
      expect(ofWallet({ lockedAmount: amount }).success).toBe(true);
    },
  );

  it.each([undefined, null, "", " 5", "5,00", "1e3", "0x10", "+1", NaN, Infinity, {}, [5], true, "9".repeat(41), new ExactNumber("1e999")])(
    "has no amount of %j",
    (amount) => {
      expect(ofTransaction({ amount }).error?.issues[0]).toMatchObject({
        path: ["transaction", "amount"],
        message: "must be a decimal: a number, or text of one",
      });
      expect(ofWallet({ availableBalance: amount }).success).toBe(false);
    },
  );

  it.each([
    ["everything it may leave out", { counterpartyName: null, counterpartyPhone: null, description: null, fees: null, meta: null }],
    ["a time in milliseconds", { createdAt: 1731162600000 }],
    ["a time of another zone", { createdAt: "2024-11-09T15:30:00.123456+01:00" }],
    ["a status of its own", { status: "PARTLY_REVERSED" }],
  ])("may have %s", (_, fields) => {
    expect(ofTransaction(fields).success).toBe(true);
  });

  it.each([
    ["id", ""],
    ["id", "x".repeat(129)],
    ["currency", "N GN"],
    ["currency", "__proto__"],
    ["currency", "x".repeat(33)],
    ["type", "x".repeat(65)],
    ["status", ""],
    ["counterpartyName", "x".repeat(257)],
    ["counterpartyPhone", 49],
    ["description", "x".repeat(1025)],
    ["createdAt", "yesterday"],
    ["createdAt", "2024-11-09T14:30:00"],
    ["createdAt", -1],
    ["fees", "free"],
    ["meta", "text"],
    ["meta", []],
    ["meta", new ExactNumber("1.10")],
  ])("of a transaction is refused for its %s of %j", (field, value) => {
    expect(ofTransaction({ [field]: value }).error?.issues[0]?.path).toEqual(["transaction", field]);
  });

  it.each(["", "a,b", "*", "a\u0000b", "x".repeat(257), 5, null, undefined])("belongs to no user %j", (userId) => {
    expect(transactionData.safeParse({ userId, transaction }).error?.issues[0]?.path).toEqual(["userId"]);
  });

  it.each(["ann", "auth0|5f7c8ec7c33c6c004bbafe82", "ann@example.com", "Ann Other"])("may belong to %s", (userId) => {
    expect(transactionData.safeParse({ userId, transaction }).success).toBe(true);
  });

  it("of a wallet says what was done with it, in the contract's words", () => {
    for (const action of ["CREATED", "FROZEN", "UNFROZEN", "CLOSED"]) expect(ofChange({ action }).success).toBe(true);
    for (const action of ["created", "MELTED", undefined]) expect(ofChange({ action }).success).toBe(false);
    expect(ofChange({ status: undefined }).success).toBe(false);
  });

  it("of a suspicion scores it, says what follows, and may tell details as text or object", () => {
    for (const action of ["REVIEW", "BLOCK", "ALLOWED"]) expect(ofAlert({ action }).success).toBe(true);
    for (const details of [null, "5 in 10 minutes", { count: 5 }]) expect(ofAlert({ details }).success).toBe(true);
    for (const details of [5, ["a"], "x".repeat(4097)]) expect(ofAlert({ details }).success).toBe(false);
    for (const riskScore of ["75", null, undefined]) expect(ofAlert({ riskScore }).success).toBe(false);
    expect(ofAlert({ riskScore: new ExactNumber("75.0") }).success).toBe(true);
    expect(ofAlert({ action: "PANIC" }).success).toBe(false);
  });
});
