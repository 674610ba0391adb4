/** With Drizzle. */
import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { numeric, pgTable, text } from "drizzle-orm/pg-core";
import { Pool } from "pg";
import { eventOf, LIMIT, LimitExceeded, type Payment, type Payments, SOURCE, TENANT } from "./payments.ts";

const payments = pgTable("payments", {
  id: text("id").primaryKey(),
  userId: text("user_id").notNull(),
  amount: numeric("amount", { precision: 18, scale: 2 }).notNull(),
  currency: text("currency").notNull(),
});

export function openPayments(url: string): Payments {
  const pool = new Pool({ connectionString: url });
  const database = drizzle({ client: pool });

  function pay(payment: Payment): Promise<void> {
    return database.transaction(async (transaction) => {
      await transaction.insert(payments).values(payment);
      await transaction.execute(sql`select broadtape.publish(${TENANT}, ${SOURCE}, ${eventOf(payment)})`);
      const [total] = await transaction
        .select({ exceeded: sql<boolean>`sum(${payments.amount}) > ${LIMIT}` })
        .from(payments)
        .where(eq(payments.userId, payment.userId));
      if (total?.exceeded === true) throw new LimitExceeded(`user ${payment.userId}`);
    });
  }

  return { pay, close: () => pool.end() };
}
