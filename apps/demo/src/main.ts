/** The demo: plays recorded data, a dealing desk, its traders' books, a bank and signals into a server over its public API, like any service would. Started by `broadtape serve` in demo mode. */
import { setTimeout as wait } from "node:timers/promises";
import { playBank } from "./bank/play-bank.ts";
import { BANK_USERS } from "./bank/records.ts";
import { readStanding } from "./bank/standing.ts";
import { systemClock } from "./desk/clock.ts";
import { endLeftovers } from "./desk/leftovers.ts";
import { MarketPrices } from "./desk/market-prices.ts";
import { playDesk } from "./desk/play-desk.ts";
import { TEAMS, TRADERS } from "./desk/traders.ts";
import { playMarket } from "./market.ts";
import { Publisher } from "./publisher.ts";
import { playSignals } from "./signals/play-signals.ts";
import { type TradingScene, playTrading } from "./trading/play-trading.ts";
import { wayBack } from "./trading/risk.ts";
import { readAccounts } from "./trading/standing.ts";

const url = required("BROADTAPE_URL");
const token = required("BROADTAPE_TOKEN");
/** By tenant: what reads the RFQs of all its traders. */
const deskTokens = process.env["BROADTAPE_DESK_TOKENS"];
/** Of the recorded market. */
const speed = positive("DEMO_SPEED", 1);
/** Of users, bank and agents: quicker ones need not come with as many more prices. */
const pace = positive("DEMO_PACE", speed);
/** `http://:<secret>@127.0.0.1:<port>`: where servers look for the desk that did not start this. */
const deskUrl = process.env["DEMO_DESK"];

/** The parent kills what has not ended 2 s after SIGTERM. */
const CLOSE_MS = 1000;

const say = (message: string) => {
  console.error(`demo: ${message}`);
};
const sleep = async (ms: number) => {
  await wait(ms);
};
let isStopped = false;
const publishing = { url, token, fetch, wait: sleep, random: Math.random, onTrouble: say };
const prices = new MarketPrices();

// An RFQ's events make sense only together, and balances only with all transactions: none of them is given up.
const untilStored = new Publisher({ ...publishing, isStopped: () => false, tries: Infinity });

const scenes: { close(): Promise<void> }[] = [];
const stop = () => {
  if (isStopped) return;
  isStopped = true;
  // What nobody will ever end should not stay open on screens; a server that is away is not waited for.
  void Promise.race([Promise.all(scenes.map((scene) => scene.close())), wait(CLOSE_MS)]).finally(() => process.exit(0));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
// The server that started this is gone, however it went.
process.on("disconnect", () => process.exit(0));

await Promise.all([openTrading(), openBank()]);
await playMarket({
  speed,
  clock: { now: Date.now, wait: sleep },
  publisher: new Publisher({ ...publishing, isStopped: () => isStopped }),
  isStopped: () => isStopped,
  say,
  onQuote: (quote) => {
    prices.take(quote);
  },
});

/** The books first: the desk deals into them, and signals become orders in them. */
async function openTrading(): Promise<void> {
  const trading = await playTrading({
    speed: pace,
    clock: systemClock,
    random: Math.random,
    prices,
    publisher: untilStored,
    accounts: await readAccounts({ url, traders: TRADERS, fetch }),
    onFault: (error) => fail("trading", error),
  });
  scenes.push(trading);
  await Promise.all([openDesk(trading), openSignals(trading)]);
}

async function openDesk({ books }: TradingScene): Promise<void> {
  const desk = await playDesk({
    clock: systemClock,
    random: Math.random,
    prices,
    publisher: untilStored,
    leftovers: async (write) => {
      if (deskTokens === undefined) return;
      const tokens = new Map(Object.entries(JSON.parse(deskTokens) as Record<string, string>));
      await endLeftovers({ url, tokens, traders: TRADERS, fetch, now: Date.now, write });
    },
    place: deskUrl === undefined ? undefined : placeOf(new URL(deskUrl)),
    announce: (address) => process.send?.({ desk: address }),
    book: books,
    wayBack: (trader, symbol) => wayBack(books.exposureOf(trader, symbol)),
    onFault: (error) => fail("desk", error),
  });
  scenes.push(desk);
}

async function openSignals({ house }: TradingScene): Promise<void> {
  const open = async (users: (typeof TEAMS)[number]) => {
    const signals = await playSignals({
      speed: pace,
      clock: systemClock,
      prices,
      publisher: untilStored,
      users,
      place: (trader, symbol, side) => house.place(trader, symbol, side),
      onFault: (error) => fail("signals", error),
    });
    scenes.push(signals);
  };
  await Promise.all(TEAMS.map(open));
}

async function openBank(): Promise<void> {
  const bank = await playBank({
    speed: pace,
    clock: systemClock,
    random: Math.random,
    publisher: untilStored,
    wallets: await readStanding({ url, users: BANK_USERS.map(({ userId }) => userId), fetch }),
    onFault: (error) => fail("bank", error),
  });
  scenes.push(bank);
}

/** A broken invariant ends the process; whoever started it starts it again. */
function fail(scene: string, error: unknown): never {
  say(`the ${scene} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
}

function placeOf({ port, password }: URL) {
  return { port: Number(port), secret: decodeURIComponent(password) };
}

function positive(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!(value > 0 && value < Infinity)) throw new Error(`${name}: must be a number above 0`);
  return value;
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name}: required`);
  return value;
}
