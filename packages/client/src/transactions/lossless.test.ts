/** Random deliveries: the guarantee of contract 30-transactions as it is seen by a callback. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type FakeFeedSocket, TIME, balanceText, feedIdOf, openFeed, transactionText } from "../../testing/fake-feed.ts";

const seed = Number(process.env["BROADTAPE_TEST_SEED"] ?? 1);
const HELD = { events: ["transaction" as const, "balance" as const], filters: {} };

type Happening =
  | { readonly do: "publish"; readonly count: number; readonly isBalance: boolean }
  | { readonly do: "redeliver" | "cut" | "forget" }
  | { readonly do: "pass"; readonly ms: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 8 }), isBalance: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "redeliver" as const }) },
  { weight: 2, arbitrary: fc.constant({ do: "cut" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "forget" as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 3000 }) }) },
);

/** How one call of a callback ends; the fifth of an event always succeeds, so that there is an end. */
type Fate = "returns" | "throws" | "resolves" | "rejects" | "resolves late" | "rejects late";
const fate = fc.constantFrom<Fate>("returns", "throws", "resolves", "rejects", "resolves late", "rejects late");

/** What the server knows: the log, and what of it this client has not acknowledged. */
class Server {
  readonly texts = new Map<string, string>();
  readonly pending = new Set<string>();
  /** What has to reach the client in the end. */
  readonly owed = new Set<string>();
  /** Knows the client's subscription. */
  isKept = false;
  socket: FakeFeedSocket | undefined;
  isSubscribed = false;
  readonly #told = new Set<string>();

  greet(socket: FakeFeedSocket): void {
    this.socket = socket;
    this.isSubscribed = this.isKept;
    socket.onSend = (message) => {
      if (message.type === "ack") for (const id of message.eventIds ?? []) this.pending.delete(id);
      if (message.type !== "subscribe") return;
      this.isSubscribed = true;
      this.isKept = true;
      expect(message.after != null || ![...this.#told].some((id) => this.#isTransaction(id))).toBe(true);
      if (message.after != null) for (const id of this.texts.keys()) if (id > message.after) this.#owe(id);
      socket.accept();
      this.redeliver();
    };
    socket.connected(this.isKept ? { resumed: true, subscription: HELD } : {});
    this.redeliver();
  }

  publish(text: string): void {
    const { eventId } = JSON.parse(text) as { eventId: string };
    this.texts.set(eventId, text);
    if (this.isKept) this.#owe(eventId);
    this.#tell(eventId);
  }

  redeliver(): void {
    for (const id of [...this.pending]) this.#tell(id);
  }

  /** Loses the client's place. What the client was not told is owed no more, nor are balances, which are told as they stand. */
  forget(): void {
    this.isKept = false;
    for (const id of this.pending) if (!this.#told.has(id) || !this.#isTransaction(id)) this.owed.delete(id);
    this.pending.clear();
    this.cut();
  }

  cut(): void {
    this.isSubscribed = false;
    this.socket?.end();
  }

  #owe(id: string): void {
    this.pending.add(id);
    this.owed.add(id);
  }

  #isTransaction(id: string): boolean {
    return this.texts.get(id)?.startsWith('{"type":"transaction"') ?? false;
  }

  #tell(id: string): void {
    const text = this.texts.get(id);
    if (!this.isSubscribed || this.socket?.isClosed !== false || text === undefined) return;
    this.#told.add(id);
    this.socket.sayText(text);
  }
}

it("each event succeeds exactly once in each callback and is acknowledged in the end, whatever fails", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), fc.array(fate, { minLength: 1, maxLength: 60 }), async (happenings, fates) => {
      const { environment, client } = openFeed({ reconnectionDelay: 100 });
      const server = new Server();
      environment.onSocket = (socket) => void environment.after(50, () => server.greet(socket));
      const succeeded = new Map<string, number>();
      const running = new Set<string>();
      const calls = new Map<string, number>();
      let drawn = 0;
      const callbackOf = (name: string) => (message: { readonly eventId: string }) => {
        const key = `${name} ${message.eventId}`;
        expect(running.has(key)).toBe(false);
        const call = (calls.get(key) ?? 0) + 1;
        calls.set(key, call);
        const drawnFate = fates[drawn++ % fates.length] ?? "returns";
        const isGood = call >= 5 || drawnFate === "returns" || drawnFate.startsWith("resolves");
        const finish = () => {
          running.delete(key);
          if (!isGood) throw new Error(drawnFate);
          succeeded.set(key, (succeeded.get(key) ?? 0) + 1);
        };
        if (drawnFate === "returns" || drawnFate === "throws") {
          finish();
          return undefined;
        }
        running.add(key);
        const ms = drawnFate.endsWith("late") ? 700 : 0;
        return new Promise<void>((resolve) => environment.after(ms, resolve)).then(finish);
      };
      for (const name of ["transaction", "balance"] as const) {
        client.on(name, callbackOf("one"));
        client.on(name, callbackOf("two"));
      }
      await environment.pass(200);
      let offset = 0;
      for (const each of happenings) {
        switch (each.do) {
          case "publish":
            for (let count = 0; count < each.count; count++) {
              offset += 1;
              server.publish(each.isBalance ? balanceText(offset, `${offset}.10`) : transactionText(offset));
            }
            break;
          case "redeliver":
            server.redeliver();
            break;
          case "cut":
            server.cut();
            break;
          case "forget":
            server.forget();
            break;
          case "pass":
            await environment.pass(each.ms);
        }
      }
      for (let round = 0; round < 40 && (server.pending.size > 0 || client.state !== "live"); round++) {
        await environment.pass(10_000);
        server.socket?.say({ type: "ping", timestamp: TIME, lastEventId: feedIdOf(offset) });
        server.redeliver();
      }
      expect([...server.pending]).toEqual([]);
      const keys = new Set(succeeded.keys());
      const lost = [...server.owed].flatMap((id) => [`one ${id}`, `two ${id}`]).filter((key) => !keys.has(key));
      expect(lost).toEqual([]);
      expect([...succeeded.values()].every((count) => count === 1)).toBe(true);
      client.disconnect();
    }),
    { seed, numRuns: 150 },
  );
});
