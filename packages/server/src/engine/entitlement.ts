/** What an identity may follow, and in whose log it reads. */
import type { ErrorCode } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import type { Product, States, TopicKind } from "./product.ts";

/** A topic that the caller may follow. */
export interface Allowed {
  readonly kind: TopicKind;
  readonly param: string;
  /** Canonical: `me` replaced. */
  readonly name: string;
}

export interface EntitlementHost {
  readonly products: readonly Product[];
  readonly views: States;
}

const MAX_STARS = 3;

/** Whether this identity may follow the topic; the code tells why not, and never whether the thing exists. */
export function allow(host: EntitlementHost, identity: Identity, topic: string): Allowed | ErrorCode {
  const colon = topic.indexOf(":");
  const kindName = colon < 0 ? topic : topic.slice(0, colon);
  const written = colon < 0 ? "" : topic.slice(colon + 1);
  for (const product of host.products) {
    for (const kind of product.topics) {
      if (kind.kind !== kindName) continue;
      const stars = written.split("*").length - 1;
      if (stars > 0 && (kind.mayFollowPatterns?.(identity) !== true || stars > MAX_STARS)) continue;
      const param = stars > 0 ? written : kind.param(written, identity);
      if (param === undefined) continue;
      if (!kind.mayFollow(identity, param, host.views)) return "FORBIDDEN";
      return { kind, param, name: colon < 0 ? kindName : `${kindName}:${param}` };
    }
  }
  return "BAD_REQUEST";
}

/** Whose topics of a kind are followed and read: the own tenant's and, where the kind is shared, the public one's. */
export function tenantsOf(host: { readonly publicTenant: string }, tenant: string, kind: TopicKind): string[] {
  return kind.shared === true ? [...new Set([tenant, host.publicTenant])] : [tenant];
}
