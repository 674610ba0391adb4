/** One product on the whole engine, as its publishers and followers meet it. */
import type { Product } from "../src/engine/product.ts";
import { BadEvents } from "../src/engine/validate.ts";
import { testSurface } from "./connection.ts";
import { Rig, identityOf } from "./rig.ts";

/** An event as it was told, digits as they were. */
export interface ToldEvent {
  readonly event: string;
  readonly topic: string;
  readonly text: string;
}

const surface = testSurface({ word: ({ topic, event, data }) => ({ name: "event", body: JSON.stringify({ topic, event, text: data }) }) });

export async function productRig(...products: Product[]) {
  const rig = await Rig.start({ products });
  const publishAll = async (
    ...events: { readonly type: string; readonly data: unknown; readonly time?: string; readonly id?: string; readonly tenant?: string }[]
  ) => {
    const answer = await rig.engine.publish(events, { userId: "pub", tenant: "acme", anyTenant: true, correlationId: "c" });
    await rig.settle();
    return answer;
  };
  return {
    rig,
    publishAll,
    publish: (type: string, data: unknown, time = "2026-11-21T10:00:00+01:00") => publishAll({ type, data, time }),
    /** The faults of an event that has to be refused. */
    async faultsOf(type: string, data: unknown) {
      const error = await publishAll({ type, data }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof BadEvents)) throw new Error(`not refused: ${String(error)}`);
      return error.faults;
    },
    /** Follows; `told` is what came since, `states` the snapshots' JSON texts without the event ids. */
    async follow(userId: string, topics: readonly string[], { after, tenant }: { after?: string; tenant?: string } = {}) {
      const { session, client } = rig.open(identityOf(userId, [], tenant), surface);
      const followed = await rig.follow(session, { topics, after });
      return {
        cut: followed.cut,
        codes: followed.results.map((result) => (result.ok ? "ok" : result.code)),
        states: followed.snapshots.map(({ state }) => state.replace(/,"eventId":"[^"]*"}$/, "}")),
        told: () => client.bodies("event") as ToldEvent[],
      };
    },
  };
}
