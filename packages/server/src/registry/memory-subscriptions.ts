/** Subscriptions and connections in memory; part of `memory.ts`. */
import type { Registry, SubscriptionStore } from "./registry.ts";
import { isOf } from "./of-nodes.ts";
import {
  type KeptConnection,
  type KeptSubscription,
  LISTED_SUBSCRIPTIONS,
  type SubscriptionKey,
  isHidden,
  subscriptionKey,
  supersede,
} from "./subscriptions.ts";

type Kept = SubscriptionStore & Pick<Registry, "saveConnections" | "closeOpenConnections" | "sweepConnections">;

/** Of a client that has not subscribed. */
const NEW = {
  connectionId: undefined,
  events: [],
  filters: "{}",
  ackedOffset: 0,
  epoch: 0,
  pending: [],
  unsubscribedAt: undefined,
  generation: 0,
  node: undefined,
} as const satisfies Partial<KeptSubscription>;

export function memorySubscriptions(): Kept {
  let subscriptions: ReadonlyMap<string, KeptSubscription> = new Map();
  const connections = new Map<string, KeptConnection>();

  const ownedBy = (tenant: string, userId: string) =>
    [...subscriptions.values()].filter(
      (subscription) => subscription.tenant === tenant && subscription.userId === userId && !isHidden(subscription),
    );
  const byId = (tenant: string, userId: string, id: string) => ownedBy(tenant, userId).find((subscription) => subscription.id === id);

  return {
    async saveSubscriptions(saved) {
      const next = new Map(subscriptions);
      const replaced: SubscriptionKey[] = [];
      for (const subscription of saved) {
        const key = subscriptionKey(subscription);
        const stored = next.get(key);
        if (stored !== undefined && subscription.generation < stored.generation) replaced.push(subscription);
        next.set(key, stored === undefined ? subscription : supersede(stored, subscription));
      }
      if (new Set([...next.values()].map(({ id }) => id)).size < next.size) throw new Error("an id is another subscription's");
      subscriptions = next;
      return Promise.resolve(replaced);
    },
    async takeSubscription({ tenant, userId, clientId, id, node, from, now }) {
      const key = { tenant, userId, clientId };
      const stored = subscriptions.get(subscriptionKey(key)) ?? { ...key, id, ...NEW, subscribedAt: now, updatedAt: now };
      const held = { node: stored.node ?? node, generation: stored.generation };
      const isLetGo = held.node === from?.node && held.generation === from.generation;
      if (held.node !== node && !isLetGo) return Promise.resolve({ held });
      const subscription = { ...stored, generation: stored.generation + 1, node };
      subscriptions = new Map([...subscriptions, [subscriptionKey(key), subscription]]);
      return Promise.resolve({ subscription });
    },
    async findSubscription(key) {
      const found = subscriptions.get(subscriptionKey(key));
      return Promise.resolve(found === undefined || isHidden(found) ? undefined : found);
    },
    async subscriptionById(tenant, userId, id) {
      return Promise.resolve(byId(tenant, userId, id));
    },
    async subscriptionsOf(tenant, userId) {
      const newestFirst = ownedBy(tenant, userId).sort((a, b) => b.subscribedAt - a.subscribedAt || (a.id < b.id ? 1 : -1));
      const listed = newestFirst.slice(0, LISTED_SUBSCRIPTIONS);
      return Promise.resolve(listed.map(({ pending: _pending, ...subscription }) => subscription));
    },
    async deleteSubscription(tenant, userId, id, now) {
      const found = byId(tenant, userId, id);
      if (found === undefined) return Promise.resolve(false);
      const { generation, node } = found;
      subscriptions = new Map([...subscriptions, [subscriptionKey(found), { ...found, ...NEW, updatedAt: now, generation, node }]]);
      return Promise.resolve(true);
    },
    async sweepSubscriptions(before) {
      const left = [...subscriptions].filter(([, subscription]) => !isHidden(subscription) || subscription.updatedAt >= before);
      const swept = subscriptions.size - left.length;
      subscriptions = new Map(left);
      return Promise.resolve(swept);
    },
    async saveConnections(saved) {
      for (const connection of saved) {
        const id = connections.get(connection.connectionId)?.id ?? connection.id;
        connections.set(connection.connectionId, { ...connection, id });
      }
      return Promise.resolve();
    },
    async closeOpenConnections(now, of) {
      const open = [...connections.values()].filter(({ disconnectedAt, node }) => disconnectedAt === undefined && isOf(node, of));
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
