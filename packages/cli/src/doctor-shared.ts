/** What `broadtape doctor` says of the parts that nodes share. */
import { examineDatabase, examineNats } from "@broadtape/server/doctor";

/** As docs/operating.md "With PostgreSQL" says. */
const CONNECTIONS_OF_A_NODE = 25;

/** Answers what is well, throws what keeps a server from starting. */
export async function checkDatabase(url: string): Promise<string> {
  const { durability, hasTables, mostConnections } = await examineDatabase({ url });
  const { server, synchronousCommit, synchronousStandbys, syncsToDisk } = durability;
  const isSafe = synchronousStandbys !== "" && synchronousCommit !== "local";
  return [
    `PostgreSQL ${server}`,
    hasTables ? "Broadtape's tables are there" : "empty: the first start makes the tables",
    `synchronous_commit ${synchronousCommit}`,
    isSafe ? `synchronous standby ${synchronousStandbys}` : "no synchronous standby: a failover may lose acknowledged events",
    ...(syncsToDisk ? [] : ["fsync is off: a power cut may damage it"]),
    `room for ${Math.floor(mostConnections / CONNECTIONS_OF_A_NODE)} nodes in max_connections ${mostConnections}`,
  ].join("; ");
}

export async function checkNats(url: string): Promise<string> {
  const { version, mostBytes } = await examineNats({ url });
  return `nats-server ${version}; messages up to ${mostBytes / 1024} KiB, longer batches are read from the database`;
}
