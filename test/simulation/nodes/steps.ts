/** What happens in the world of several nodes: a list of steps, so that one that ends badly can be made shorter. */
import type { Publisher } from "../../../packages/server/src/engine/validate.ts";
import { LogUnavailable } from "../../../packages/server/src/log/log.ts";
import { seeded } from "../world.ts";
import { NamedClient } from "./client.ts";
import { NODES, World } from "./world.ts";

/** `do`, and with what. */
export type Step = readonly [what: string, one?: number, other?: number];

/** How often each is chosen. */
const CHANCES: readonly (readonly [what: keyof typeof ACTIONS, weight: number])[] = [
  ["publish", 30],
  ["pass", 30],
  ["connect", 14],
  ["acknowledge", 18],
  ["drop", 4],
  ["sleep", 2],
  ["wake", 3],
  ["die", 1],
  ["start", 3],
  ["cut", 2],
  ["join", 3],
  ["registryAway", 1],
  ["registryBack", 3],
  ["diskFails", 1],
  ["diskTakes", 3],
  ["retain", 2],
  ["passLong", 2],
  ["restore", 0.4],
];
const WHO: Publisher = { userId: "pub", tenant: "acme", anyTenant: false, correlationId: "c" };
const USERS = ["ann", "ben"];

/** A run of the world. */
class Run {
  readonly world: World;
  readonly clients: readonly NamedClient[];
  /** By id: where the log said that an event is, and in which life. */
  readonly acknowledged = new Map<string, { readonly epoch: number; readonly offset: number }>();
  published = 0;

  constructor(seed: number) {
    this.world = new World(seed);
    this.clients = [
      new NamedClient(this.world, "phone", "ann"),
      new NamedClient(this.world, "desk", "ann"),
      new NamedClient(this.world, "other", "ben"),
    ];
  }

  /** Publishes, and where that fails at any other node, under the same id. */
  publish(at: number, count: number): void {
    const number = this.published++;
    const userId = USERS[number % 2] ?? "";
    const events = Array.from({ length: count }, (_, index) => eventOf(userId, number, index));
    const attempt = async (tries: number): Promise<void> => {
      const { engine, process } = this.world.node((at + tries) % NODES);
      if (process.state !== "awake" || !engine.isReady) return;
      try {
        const { results } = await engine.publish(events, WHO);
        for (const { id, offset } of results) this.acknowledged.set(id, { epoch: engine.epoch, offset });
      } catch (error) {
        if (!(error instanceof LogUnavailable)) this.world.faults.push(`publishing: ${String(error)}`);
        if (tries < 4) await attempt(tries + 1);
      }
    };
    void attempt(0);
  }

  lost(): string[] {
    const { disk, events } = this.world;
    return [...this.acknowledged].flatMap(([id, { epoch, offset }]) =>
      epoch === disk.epoch && events.find((each) => each.offset === offset)?.id !== id ? [`${id} at ${offset}`] : [],
    );
  }
}

function eventOf(userId: string, number: number, index: number): object {
  const id = `e-${number}-${index}`;
  const amounts = { availableBalance: "1", ledgerBalance: "1", pendingAmount: "0", lockedAmount: "0" };
  switch (number % 3) {
    case 0:
      return {
        id,
        source: "s",
        type: "wallet.balance",
        data: { userId, wallet: { currency: "USD", ...amounts, availableBalance: `${number}` } },
      };
    case 1:
      return {
        id,
        source: "s",
        type: "fraud.alert",
        data: { userId, alert: { transactionId: id, riskScore: 1, reason: "r", action: "REVIEW" } },
      };
    default: {
      const transaction = { id, amount: "1.50", currency: "USD", type: "t", status: "s", createdAt: 1e12 };
      return { id, source: "s", type: "transaction.created", data: { userId, transaction } };
    }
  }
}

type Action = (run: Run, one: number, other: number) => void | Promise<void>;

/** Numbers are from 0 to 1. */
const ACTIONS = {
  publish: (run, one, other) => run.publish(nodeOf(one), 1 + Math.floor(other * 3)),
  pass: ({ world }, one) => world.pass(5 + one * one * 200),
  passLong: ({ world }, one) => world.pass(one < 0.7 ? 7000 : 70_000),
  connect: ({ world, clients }, one, other) => void clients[Math.floor(other * clients.length)]?.connect(world.node(nodeOf(one))),
  acknowledge: ({ clients }, one, other) => clients[Math.floor(other * clients.length)]?.acknowledge(one),
  drop: ({ clients }, one) => clients[Math.floor(one * clients.length)]?.drop(),
  sleep: ({ world }, one) => world.sleep(nodeOf(one)),
  wake: ({ world }, one) => world.wake(nodeOf(one)),
  die: ({ world }, one) => world.die(nodeOf(one)),
  start: ({ world }, one) => world.start(nodeOf(one)),
  cut: ({ world }, one) => world.setConnected(nodeOf(one), false),
  join: ({ world }, one) => world.setConnected(nodeOf(one), true),
  registryAway: ({ world }) => void (world.database.isUp = false),
  registryBack: ({ world }) => void (world.database.isUp = true),
  diskFails: ({ world }) => void (world.disk.failure = new LogUnavailable("the disk takes nothing")),
  diskTakes: ({ world }) => void (world.disk.failure = undefined),
  retain: ({ world }) => world.retain(),
  restore: ({ world }, one) => world.restore(Math.floor(one * 6)),
} satisfies Record<string, Action>;

const nodeOf = (one: number): number => Math.floor(one * NODES);

export function stepsOf(seed: number, count: number): Step[] {
  const random = seeded(seed);
  const total = CHANCES.reduce((sum, [, weight]) => sum + weight, 0);
  return Array.from({ length: count }, () => {
    let at = random() * total;
    const [what] = CHANCES.find(([, weight]) => (at -= weight) < 0) ?? ["pass"];
    return [what, round(random()), round(random())];
  });
}

const round = (value: number): number => Math.floor(value * 1000) / 1000;

/** Takes these steps, lets everything settle, and tells what was wrong. */
export async function faultsOf(seed: number, steps: readonly Step[]): Promise<readonly string[]> {
  const run = new Run(seed);
  const { world, clients } = run;
  await world.pass(600);
  for (const [what, one = 0, other = 0] of steps) {
    await (ACTIONS as Record<string, Action>)[what]?.(run, one, other);
    await new Promise(setImmediate);
    world.clock.turn();
    if (world.faults.length > 0) return world.faults;
  }
  await settle(run);
  const faults = [...world.faults, ...world.database.regressions, ...run.lost().map((lost) => `${lost} was acknowledged and is lost`)];
  for (const client of clients) {
    const missing = client.missing();
    if (missing.length > 0) faults.push(`${client.clientId} was never told ${missing.join()}`);
    if (client.live.length !== 1) faults.push(`${client.clientId} has ${client.live.length} connections`);
  }
  return faults;
}

/** Everything works again; each client comes once more, and acknowledges what it is told. */
async function settle(run: Run): Promise<void> {
  const { world, clients } = run;
  world.database.isUp = true;
  world.disk.failure = undefined;
  for (let index = 0; index < NODES; index++) {
    world.wake(index);
    world.start(index);
  }
  await world.pass(1000);
  for (let index = 0; index < NODES; index++) {
    world.setConnected(index, true);
    world.start(index);
  }
  for (let round = 0; round < 12; round++) {
    await world.pass(1500);
    for (let index = 0; index < NODES; index++) world.start(index);
    for (const [index, client] of clients.entries()) {
      if (client.live.length === 0 || round === 3) void client.connect(world.node((index + round) % NODES));
      client.acknowledge(1);
    }
    // A node that nobody could tell that it holds a client no more finds out with the first event, for each user of two kinds.
    if (round === 5) for (let each = 0; each < 6; each++) run.publish(0, 1);
  }
}

/** As few of these steps as end badly too. */
export async function shorten(seed: number, steps: readonly Step[], runs = 150): Promise<readonly Step[]> {
  let kept = steps;
  let left = runs;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length && left > 0;) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      left -= 1;
      if ((await faultsOf(seed, fewer)).length > 0) kept = fewer;
      else at += size;
    }
  }
  return kept;
}
