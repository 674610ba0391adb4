/** With `pg` alone. */
import { Pool } from "pg";
import { eventOf, LIMIT, LimitExceeded, type Payment, type Payments, SOURCE, TENANT } from "./payments.ts";

export function openPayments(url: string): Payments {
  const pool = new Pool({ connectionString: url });

  async function pay(payment: Payment): Promise<void> {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const { id, userId, amount, currency } = payment;
      await client.query("insert into payments (id, user_id, amount, currency) values ($1, $2, $3, $4)", [id, userId, amount, currency]);
      await client.query("select broadtape.publish($1, $2, $3)", [TENANT, SOURCE, eventOf(payment)]);
      const { rows } = await client.query<{ exceeded: boolean }>("select sum(amount) > $2 as exceeded from payments where user_id = $1", [
        userId,
        LIMIT,
      ]);
      if (rows[0]?.exceeded === true) throw new LimitExceeded(`user ${userId}`);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  }

  return { pay, close: () => pool.end() };
}
