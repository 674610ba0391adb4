/** The scene of the dealing desk: traders, providers, and the HTTP side on which the page's requests come in. */
import { randomBytes } from "node:crypto";
import type { Publisher } from "../publisher.ts";
import type { Clock } from "./clock.ts";
import type { DealBook } from "./deal-book.ts";
import { Desk } from "./desk.ts";
import { deskApp } from "./http.ts";
import { idsOf } from "./ids.ts";
import type { LeftoversOptions } from "./leftovers.ts";
import type { MarketPrices } from "./market-prices.ts";
import type { Random } from "./random.ts";
import { Tape } from "./tape.ts";
import { type TradersOptions, trade } from "./traders.ts";

export interface DeskSceneOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly prices: MarketPrices;
  readonly publisher: Publisher;
  /** Tells the server where the desk listens. */
  readonly announce: (desk: DeskPlace) => void;
  /** Ends what an earlier start left open; done before anything new is asked for. */
  readonly leftovers: (write: LeftoversOptions["write"]) => Promise<void>;
  readonly onFault: (error: unknown) => void;
  /** Where it listens and who may speak to it. Default: a free port and a secret of its own. */
  readonly place?: DeskPlace | undefined;
  readonly book?: DealBook;
  readonly wayBack?: TradersOptions["wayBack"];
}

export interface DeskPlace {
  readonly port: number;
  readonly secret: string;
}

/** Resolves when the desk deals. */
export async function playDesk(options: DeskSceneOptions): Promise<{ close(): Promise<void> }> {
  const { clock, random, prices, publisher, announce, leftovers, onFault, book, wayBack } = options;
  const run = `${clock.now().toString(36)}${randomBytes(2).toString("hex")}`;
  const tape = new Tape({ run, publish: (lines) => publisher.publish(lines), onFault });
  const desk = new Desk({ clock, random, prices, tape, newId: idsOf(run), ...(book && { book }) });
  const { port, secret } = options.place ?? { port: 0, secret: randomBytes(32).toString("base64url") };
  const app = deskApp(desk, secret);
  const url = await app.listen({ host: "127.0.0.1", port });
  await leftovers((tenant, rfqId, events) => tape.write(tenant, rfqId, events, clock.now()));
  const callOff = trade({ desk, clock, random, ...(wayBack && { wayBack }) });
  announce({ port: Number(new URL(url).port), secret });
  return {
    async close() {
      callOff();
      desk.close("the desk closed");
      await tape.idle();
      await app.close();
    },
  };
}
