/** Part of the composition root: how this node hears early of what others have stored. */
import type { Logger } from "pino";
import type { ClusterNode } from "./cluster/cluster.ts";
import type { Config } from "./config.ts";
import type { Database } from "./compose-stores.ts";
import { openListenNotifyWire } from "./wire/listen-notify/listen-notify-wire.ts";
import { openNatsWire } from "./wire/nats/nats-wire.ts";
import { noWire } from "./wire/none.ts";
import type { Wire, WireOptions, WireStatus } from "./wire/wire.ts";

interface Parts {
  readonly config: Config;
  readonly node: ClusterNode;
  /** Undefined: no other node shares it. */
  readonly database: Database | undefined;
  readonly logger: Logger;
}

/** Returns at once, whether anything answers or not; the caller closes it. */
export function openWire({ config, node, database, logger }: Parts): Wire {
  if (database === undefined) return noWire();
  const carrier = config.natsUrl === undefined ? "LISTEN/NOTIFY" : "NATS";
  const onStatus = (status: WireStatus, error: Error | undefined) => {
    if (status === "connected") logger.info({ wire: carrier }, "the wire to the other nodes is up");
    if (status === "connecting")
      logger.warn({ wire: carrier, err: error }, "the wire to the other nodes is away: the log is asked instead");
  };
  const options: WireOptions = { node: node.id, log: database.log.place, epoch: database.log.epoch, onStatus };
  return config.natsUrl === undefined ? openListenNotifyWire(database, options) : openNatsWire({ url: config.natsUrl }, options);
}
