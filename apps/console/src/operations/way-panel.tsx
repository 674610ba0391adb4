/** An event's whole way, by its id; or that of all events with a correlation id: when stored, to whom delivered, acknowledged when. */
import { type ReactElement, type SyntheticEvent, useEffect, useMemo, useState } from "react";
import type { EventDelivery, EventWay, EventWays } from "@broadtape/protocol/operations";
import { clockTime } from "../wallet/clock-time.ts";
import { ask } from "./ask.ts";
import { countText, msText } from "./figures.ts";
import { FollowButton } from "./follow-button.tsx";
import { missingIn } from "./nodes.ts";
import styles from "./operations.module.css";
import { Panel } from "./panel.tsx";
import { Poll, pageHost } from "./poll.ts";
import { newestEventOf, thingNamed } from "./told-of.ts";
import { usePolled } from "./use-poll.ts";

interface Properties {
  readonly authorized: typeof fetch;
  /** An event id, a correlation id, or what tells of a thing (told-of.ts); empty for none. */
  readonly id: string;
  /** Whether there are several nodes, so that each delivery says by which it was. */
  readonly hasNodes: boolean;
  readonly onFollow: (id: string) => void;
}

type Way = EventWays["ways"][number];

/** Acks come later. */
const EVERY_MS = 2000;
const NO_WAYS: Pick<EventWays, "ways" | "ledger"> = { ways: [], ledger: { since: "", complete: true } };
const EVENT_ID = /^(EV-[0-9a-fA-F]{16}|\d+-[0-9a-z]{9,})$/;

export function WayPanel({ authorized, id, hasNodes, onFollow }: Properties): ReactElement {
  const [input, setInput] = useState(id);
  useEffect(() => setInput(id), [id]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onFollow(input.trim());
  };
  const form = (
    <form onSubmit={submit} className={styles.filters} aria-label="Follow an event">
      <input
        className={styles.wide}
        aria-label="Event id or correlation id"
        placeholder="event id or correlation id"
        autoComplete="off"
        spellCheck={false}
        value={input}
        onChange={({ target }) => setInput(target.value)}
      />
      <button type="submit">Follow</button>
    </form>
  );
  if (id === "")
    return (
      <Panel title="Follow an event" area="way" aside={form}>
        <p className={styles.none}>
          By its id, or by a correlation id: when it was stored, to whom it was delivered, when it was acknowledged.
        </p>
      </Panel>
    );
  return <Found key={id} authorized={authorized} id={id} hasNodes={hasNodes} onFollow={onFollow} form={form} />;
}

function Found({ authorized, id, hasNodes, onFollow, form }: Properties & { readonly form: ReactElement }): ReactElement {
  const poll = useMemo(() => new Poll(pageHost, waysReader(authorized, id), EVERY_MS), [authorized, id]);
  const polled = usePolled(poll);
  const { value, refusal } = polled;
  const ways = value?.ways ?? [];
  return (
    <Panel title="Follow an event" area="way" of={polled} aside={form}>
      <div className={styles.scroll} tabIndex={0} role="group" aria-label="Its way">
        {value === undefined && refusal !== undefined && (
          <p className={styles.none} role="alert">
            {refusal.message}
          </p>
        )}
        {value !== undefined && ways.length === 0 && (
          <p className={styles.none}>
            {thingNamed(id) === undefined ? "No event has this correlation id." : "None of the newest events tells of it."}
          </p>
        )}
        {ways.map((way) => (
          <OneWay key={way.event.eventId} way={way} hasNodes={hasNodes} onFollow={onFollow} />
        ))}
        {value?.ledger.complete === false && (
          <p className={styles.none}>
            Deliveries are remembered since {clockTime(value.ledger.since)}; what was delivered before
            {missingIn(value).length > 0 && ", or by nodes that do not answer,"} is not listed.
          </p>
        )}
      </div>
    </Panel>
  );
}

/** Of a thing it finds the newest event once, and follows that. */
function waysReader(authorized: typeof fetch, id: string): () => ReturnType<typeof askWays> {
  const thing = thingNamed(id);
  if (thing === undefined) return async () => askWays(authorized, id);
  let eventId: string | undefined;
  return async () => {
    eventId ??= await newestEventOf(authorized, thing);
    return eventId === undefined ? NO_WAYS : askWays(authorized, eventId);
  };
}

/** The answers are what the protocol says of these paths: page and server are of one build. */
async function askWays(authorized: typeof fetch, id: string): Promise<Pick<EventWays, "ways" | "ledger" | "unanswered">> {
  const path = "api/v1/operations/events";
  if (!EVENT_ID.test(id)) return (await ask(authorized, `${path}?correlationId=${encodeURIComponent(id)}`)) as EventWays;
  const way = (await ask(authorized, `${path}/${encodeURIComponent(id)}`)) as EventWay;
  return { ...way, ways: [way] };
}

function OneWay({
  way: { event, deliveries, deliveriesTotal },
  hasNodes,
  onFollow,
}: {
  readonly way: Way;
  readonly hasNodes: boolean;
  readonly onFollow: (id: string) => void;
}): ReactElement {
  const stored = Date.parse(event.storedAt);
  const acked = deliveries.filter(({ ackedAt }) => ackedAt !== null).length;
  return (
    <article className={styles.way} data-way={event.eventId}>
      <h3>
        {event.type}{" "}
        <FollowButton id={event.eventId} onFollow={onFollow}>
          {event.eventId}
        </FollowButton>
      </h3>
      <dl className={styles.list}>
        <Fact name="Published" text={`${event.time} by ${event.source}`} />
        <Fact
          name="Stored"
          text={`${event.storedAt} at offset ${event.offset}${event.batch === event.offset ? "" : `, in the batch from ${event.batch}`}`}
        />
        <div>
          <dt>Correlation</dt>
          <dd>
            <FollowButton id={event.correlationId} onFollow={onFollow}>
              {event.correlationId}
            </FollowButton>
          </dd>
        </div>
        <Fact name="Topics" text={event.topics.join(" ") || "none"} />
        <Fact name="Deliveries" text={`${countText(deliveriesTotal)}, of which ${countText(acked)} acknowledged`} />
      </dl>
      {deliveries.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">User</th>
              <th scope="col">Surface</th>
              {hasNodes && <th scope="col">Node</th>}
              <th scope="col">Class</th>
              <th scope="col" className={styles.number}>
                Written after
              </th>
              <th scope="col" className={styles.number}>
                Acked after
              </th>
            </tr>
          </thead>
          <tbody>
            {deliveries.map((delivery, index) => (
              // The same connection may be told more than once.
              <DeliveryRow key={`${delivery.connectionId} ${index}`} delivery={delivery} hasNodes={hasNodes} stored={stored} />
            ))}
          </tbody>
        </table>
      )}
      <pre className={styles.json} tabIndex={0} aria-label="Data">
        {JSON.stringify(event.data, null, 1)}
      </pre>
    </article>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-fact={name}>{text}</dd>
    </div>
  );
}

function DeliveryRow({
  delivery,
  hasNodes,
  stored,
}: {
  readonly delivery: EventDelivery;
  readonly hasNodes: boolean;
  readonly stored: number;
}): ReactElement {
  const { connectionId, userId, surface, node, attempt, replaced, writtenAt, ackedAt } = delivery;
  const again = attempt > 1 ? `, attempt ${attempt}` : "";
  const instead = replaced > 0 ? `, for ${countText(replaced)} older` : "";
  return (
    <tr data-delivery={connectionId} title={connectionId}>
      <td>{userId}</td>
      <td>{surface}</td>
      {hasNodes && <td>{node}</td>}
      <td>{`${delivery.delivery}${again}${instead}`}</td>
      <td className={styles.number} title={writtenAt}>
        {msText(Math.max(0, Date.parse(writtenAt) - stored))}
      </td>
      <td className={styles.number} title={ackedAt ?? undefined}>
        {ackedAt === null ? "–" : msText(Math.max(0, Date.parse(ackedAt) - stored))}
      </td>
    </tr>
  );
}
