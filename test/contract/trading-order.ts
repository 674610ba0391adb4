/** An order as a publisher tells of it: what the tests of several nodes publish. */
import { created } from "./trading/desk.ts";

export const orderCreated = (id: string, userId = "ann") => created(userId, id, { symbol: "AAPL", quantity: "10", price: "1.50" });
