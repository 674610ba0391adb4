/** Subscriptions and connections in memory; part of `memory.ts`. */
import type { Registry } from "./registry.ts";
import { type KeptConnection, type KeptSubscription, LISTED_SUBSCRIPTIONS, subscriptionKey, supersede } from "./subscriptions.ts";

type Kept = Pick<
  Registry,
  | "saveSubscriptions"
  | "findSubscription"
  | "subscriptionById"
  | "subscriptionsOf"
  | "deleteSubscription"
  | "saveConnections"
  | "closeOpenConnections"
  | "sweepConnections"
>;

export function memorySubscriptions(): Kept {
  let subscriptions: ReadonlyMap<string, KeptSubscription> = new Map();
  const connections = new Map<string, KeptConnection>();

  const ownedBy = (tenant: string, userId: string) =>
    [...subscriptions.values()].filter((subscription) => subscription.tenant === tenant && subscription.userId === userId);
  const byId = (tenant: string, userId: string, id: string) => ownedBy(tenant, userId).find((subscription) => subscription.id === id);

  return {
    async saveSubscriptions(saved) {
      const next = new Map(subscriptions);
      for (const subscription of saved) {
        const key = subscriptionKey(subscription);
        const stored = next.get(key);
        next.set(key, stored === undefined ? subscription : supersede(stored, subscription));
      }
      if (new Set([...next.values()].map(({ id }) => id)).size < next.size) throw new Error("an id is another subscription's");
      subscriptions = next;
      return Promise.resolve();
    },
    async findSubscription(key) {
      return Promise.resolve(subscriptions.get(subscriptionKey(key)));
    },
    async subscriptionById(tenant, userId, id) {
      return Promise.resolve(byId(tenant, userId, id));
    },
    async subscriptionsOf(tenant, userId) {
      const newestFirst = ownedBy(tenant, userId).sort((a, b) => b.subscribedAt - a.subscribedAt || (a.id < b.id ? 1 : -1));
      const listed = newestFirst.slice(0, LISTED_SUBSCRIPTIONS);
      return Promise.resolve(listed.map(({ pending: _pending, ...subscription }) => subscription));
    },
    async deleteSubscription(tenant, userId, id) {
      const found = byId(tenant, userId, id);
      subscriptions = new Map([...subscriptions].filter(([, subscription]) => subscription !== found));
      return Promise.resolve(found !== undefined);
    },
    async saveConnections(saved) {
      for (const connection of saved) {
        const id = connections.get(connection.connectionId)?.id ?? connection.id;
        connections.set(connection.connectionId, { ...connection, id });
      }
      return Promise.resolve();
    },
    async closeOpenConnections(now) {
      const open = [...connections.values()].filter(({ disconnectedAt }) => disconnectedAt === undefined);
      for (const connection of open)
        connections.set(connection.connectionId, { ...connection, status: "DISCONNECTED", disconnectedAt: now });
      return Promise.resolve(open.length);
    },
    async sweepConnections(before) {
      const old = [...connections.values()].filter(({ disconnectedAt }) => disconnectedAt !== undefined && disconnectedAt < before);
      for (const { connectionId } of old) connections.delete(connectionId);
      return Promise.resolve(old.length);
    },
  };
}
