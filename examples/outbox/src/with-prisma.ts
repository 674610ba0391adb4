/** With Prisma. Its client is made of `prisma/schema.prisma`, as README.md says. */
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../prisma/generated/client.ts";
import { eventOf, LIMIT, LimitExceeded, type Payment, type Payments, SOURCE, TENANT } from "./payments.ts";

export function openPayments(url: string): Payments {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });

  function pay(payment: Payment): Promise<void> {
    return prisma.$transaction(async (transaction) => {
      await transaction.payment.create({ data: payment });
      // The cast: what Prisma sends as text is not taken for `json` by itself.
      await transaction.$queryRaw`select broadtape.publish(${TENANT}, ${SOURCE}, ${eventOf(payment)}::json)`;
      const total = await transaction.payment.aggregate({ where: { userId: payment.userId }, _sum: { amount: true } });
      if (total._sum.amount?.greaterThan(LIMIT) === true) throw new LimitExceeded(`user ${payment.userId}`);
    });
  }

  return { pay, close: () => prisma.$disconnect() };
}
