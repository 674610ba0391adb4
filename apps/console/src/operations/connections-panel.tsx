/** Who is connected and how they keep up; one of them can be closed. */
import { type ReactElement, useState } from "react";
import type { ConnectionState } from "@broadtape/protocol/rest";
import { clockTime } from "../wallet/clock-time.ts";
import { Refused, ask } from "./ask.ts";
import { NONE, bytesText, countText, spanText } from "./figures.ts";
import { ofNode } from "./nodes.ts";
import styles from "./operations.module.css";
import { Panel, Rows } from "./panel.tsx";
import { usePoll } from "./use-poll.ts";

interface ConnectionPage {
  readonly connections: readonly ConnectionState[];
  readonly next?: string | null;
}

const EVERY_MS = 3000;

interface Properties {
  readonly authorized: typeof fetch;
  /** Id of the one node whose connections are shown; empty for all. */
  readonly node: string;
  /** Whether there are several, so that each connection says on which it is. */
  readonly hasNodes: boolean;
}

export function ConnectionsPanel({ authorized, node, hasNodes }: Properties): ReactElement {
  const polled = usePoll<ConnectionPage>(authorized, ofNode("api/v1/connections?limit=200", node), EVERY_MS);
  const [wanted, setWanted] = useState("");
  const [refusal, setRefusal] = useState<string>();
  const all = polled.value?.connections ?? [];
  const shown = all.filter(({ userId, surface, id, clientId, node: holder }) =>
    [userId, surface, id, clientId ?? "", holder ?? ""].some((text) => text.toLowerCase().includes(wanted.trim().toLowerCase())),
  );
  const close = (id: string) => {
    setRefusal(undefined);
    void ask(authorized, `api/v1/connections/${encodeURIComponent(id)}`, { method: "DELETE" }).then(polled.again, (error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error.message);
      polled.again();
    });
  };
  return (
    <Panel
      title="Connections"
      area="connections"
      of={polled}
      aside={
        <>
          <span className={styles.count}>
            {countText(shown.length)}
            {typeof polled.value?.next === "string" && " of more"}
          </span>
          <input
            className={styles.filter}
            placeholder={hasNodes ? "user, node, id" : "user, surface, id"}
            aria-label="Filter connections"
            value={wanted}
            onChange={({ target }) => setWanted(target.value)}
          />
          {refusal !== undefined && (
            <span role="alert" className={styles.bad}>
              {refusal}
            </span>
          )}
        </>
      }
    >
      <Rows label="Connections" none={polled.value !== undefined && shown.length === 0 ? "Nobody is connected." : undefined}>
        <table>
          <thead>
            <tr>
              <th scope="col">User</th>
              <th scope="col">Surface</th>
              {hasNodes && <th scope="col">Node</th>}
              <th scope="col">Since</th>
              <th scope="col" className={styles.number}>
                Topics
              </th>
              <th scope="col" className={styles.number}>
                Queue
              </th>
              <th scope="col" className={styles.number}>
                Unacked
              </th>
              <th scope="col" className={styles.number}>
                Conflated
              </th>
              <th scope="col">State</th>
              <th scope="col">Last sign</th>
              <th scope="col">
                <span className={styles.hidden}>Close</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((each) => (
              <ConnectionRow key={each.id} connection={each} hasNodes={hasNodes} now={polled.asOf ?? 0} onClose={() => close(each.id)} />
            ))}
          </tbody>
        </table>
      </Rows>
    </Panel>
  );
}

interface RowProperties {
  readonly connection: ConnectionState;
  readonly hasNodes: boolean;
  /** When it was so: milliseconds since the epoch. */
  readonly now: number;
  readonly onClose: () => void;
}

function ConnectionRow({ connection, hasNodes, now, onClose }: RowProperties): ReactElement {
  const { id, userId, clientId, surface, connectedAt, lastActivity, status, ipAddress, userAgent } = connection;
  const isPaused = connection.paused === true;
  return (
    <tr data-connection={id}>
      <td title={[id, clientId, ipAddress, userAgent].filter((each) => each !== null).join("\n")}>{userId}</td>
      <td>{surface}</td>
      {hasNodes && <td>{connection.node ?? NONE}</td>}
      <td title={connectedAt}>{clockTime(connectedAt)}</td>
      <td className={styles.number}>{countText(connection.topics)}</td>
      <td className={styles.number}>{bytesText(connection.queuedBytes)}</td>
      <td className={styles.number}>{countText(connection.unacked)}</td>
      <td className={styles.number}>{countText(connection.conflated)}</td>
      <td className={isPaused || status === "STALE" ? styles.bad : styles.calm}>{isPaused ? "paused" : status.toLowerCase()}</td>
      <td title={lastActivity}>{spanText(Math.max(0, now - Date.parse(lastActivity)))} ago</td>
      <td>
        <button type="button" onClick={onClose} aria-label={`Close connection of ${userId} on ${surface}`} title={id}>
          Close
        </button>
      </td>
    </tr>
  );
}
