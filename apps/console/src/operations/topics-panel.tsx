/** The topics that are told the most. */
import type { ReactElement } from "react";
import type { TopicRates } from "@broadtape/protocol/operations";
import { countText, rateText } from "./figures.ts";
import { ofNode } from "./nodes.ts";
import styles from "./operations.module.css";
import { Panel, Rows } from "./panel.tsx";
import { usePoll } from "./use-poll.ts";

const EVERY_MS = 3000;

export function TopicsPanel({ authorized, node }: { readonly authorized: typeof fetch; readonly node: string }): ReactElement {
  const polled = usePoll<TopicRates>(authorized, ofNode("api/v1/operations/topics?limit=100", node), EVERY_MS);
  const topics = polled.value?.topics ?? [];
  const most = Math.max(1, ...topics.map(({ perSecond }) => perSecond ?? 0));
  return (
    <Panel
      title="Topics by rate"
      area="topics"
      of={polled}
      aside={<span className={styles.count}>{countText(polled.value?.followed)} followed</span>}
    >
      <Rows label="Topics by rate" none={polled.value !== undefined && topics.length === 0 ? "No topic is followed." : undefined}>
        <table>
          <thead>
            <tr>
              <th scope="col">Topic</th>
              <th scope="col" className={styles.number}>
                Followers
              </th>
              <th scope="col" className={styles.number}>
                Told
              </th>
              <th scope="col" className={styles.number}>
                A second
              </th>
            </tr>
          </thead>
          <tbody>
            {topics.map(({ topic, followers, told, perSecond }) => (
              <tr key={topic} data-topic={topic}>
                <td className={styles.bar} style={{ backgroundSize: `${((perSecond ?? 0) / most) * 100}% 100%` }}>
                  {topic}
                </td>
                <td className={styles.number}>{countText(followers)}</td>
                <td className={styles.number}>{countText(told)}</td>
                <td className={styles.number}>{rateText(perSecond)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Rows>
    </Panel>
  );
}
