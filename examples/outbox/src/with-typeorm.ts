/** With TypeORM. An `EntitySchema`, as Node runs this file as it is; classes with decorators do the same. */
import { DataSource, EntitySchema } from "typeorm";
import { eventOf, LIMIT, LimitExceeded, type Payment, type Payments, SOURCE, TENANT } from "./payments.ts";

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM's options are a class of fields alone
const PaymentRow = new EntitySchema<Payment>({
  name: "Payment",
  tableName: "payments",
  columns: {
    id: { type: "text", primary: true },
    userId: { name: "user_id", type: "text" },
    amount: { type: "numeric", precision: 18, scale: 2 },
    currency: { type: "text" },
  },
});

export async function openPayments(url: string): Promise<Payments> {
  const source = await new DataSource({ type: "postgres", url, entities: [PaymentRow] }).initialize();

  function pay(payment: Payment): Promise<void> {
    return source.transaction(async (manager) => {
      await manager.insert(PaymentRow, payment);
      await manager.query("select broadtape.publish($1, $2, $3)", [TENANT, SOURCE, eventOf(payment)]);
      const { userId } = payment;
      const total = await manager
        .createQueryBuilder(PaymentRow, "payment")
        .select("sum(payment.amount) > :limit", "exceeded")
        .where("payment.userId = :userId", { userId, limit: LIMIT })
        .getRawOne<{ exceeded: boolean }>();
      if (total?.exceeded === true) throw new LimitExceeded(`user ${userId}`);
    });
  }

  return { pay, close: () => source.destroy() };
}
