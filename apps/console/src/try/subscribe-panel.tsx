/** Any topic one is entitled to, over a plain WebSocket, and the frames on it as they come. */
import { type ReactElement, type SyntheticEvent, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { CatalogueList } from "@broadtape/protocol/operations";
import { CopyLines } from "./copy-lines.tsx";
import { FrameList } from "./frame-list.tsx";
import { followLines } from "./lines.ts";
import { MAX_FRAMES } from "./frame-log.ts";
import type { RawSocket, RawView } from "./raw-socket.ts";
import styles from "./try.module.css";

export type TopicKind = CatalogueList["topics"][number];

interface Properties {
  readonly socket: RawSocket;
  readonly kinds: readonly TopicKind[];
  readonly server: string;
  readonly token: () => Promise<string>;
}

export function SubscribePanel({ socket, kinds, server, token }: Properties): ReactElement {
  const view = useSyncExternalStore(socket.subscribe, socket.get);
  const [topic, setTopic] = useState("symbol:EURUSD");
  const [after, setAfter] = useState("");
  const cursor = after.trim() === "" ? undefined : after.trim();
  const followed = view.topics.map((each) => each.topic);
  const topics = followed.length === 0 ? [topic.trim() === "" ? "symbol:EURUSD" : topic.trim()] : followed;
  const lines = useMemo(() => followLines(server, { topics, after: cursor }), [server, topics.join(","), cursor]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (topic.trim() !== "") socket.follow(topic.trim(), cursor);
  };
  return (
    <section className={styles.panel} aria-labelledby="subscribe">
      <div className={styles.bar}>
        <h2 id="subscribe">Subscribe</h2>
        <span className={styles.push} />
        <span className={styles.quiet}>WebSocket /api/v1/ws</span>
        {(view.state === "open" || view.state === "connecting") && (
          <button type="button" onClick={() => socket.close()}>
            Disconnect
          </button>
        )}
      </div>
      <form onSubmit={submit} aria-label="Subscription" className={styles.follow}>
        <label className={styles.topic}>
          Topic
          <input list="topic-kinds" value={topic} autoComplete="off" spellCheck={false} onChange={({ target }) => setTopic(target.value)} />
        </label>
        <datalist id="topic-kinds">
          {kinds.map(({ name, description }) => (
            <option key={name} value={exampleOf(name)} label={description ?? undefined} />
          ))}
        </datalist>
        <label className={styles.after}>
          After event <span className={styles.kind}>optional</span>
          <input value={after} autoComplete="off" spellCheck={false} onChange={({ target }) => setAfter(target.value)} />
        </label>
        <button type="submit" className={styles.primary}>
          Subscribe
        </button>
      </form>
      <Kinds kinds={kinds} onChoose={setTopic} />
      <Followed view={view} onUnfollow={(each) => socket.unfollow(each)} />
      <Frames socket={socket} view={view} />
      <CopyLines title="The same from elsewhere" lines={lines} token={token} />
    </section>
  );
}

function Kinds({ kinds, onChoose }: { readonly kinds: readonly TopicKind[]; readonly onChoose: (topic: string) => void }): ReactElement {
  return (
    <div className={styles.kinds} role="group" aria-label="Kinds of topic">
      {kinds.map(({ name, who, lossless, description }) => (
        <button
          key={name}
          type="button"
          title={[description, who === null ? null : `Who may: ${who}`, lossless ? "Lossless" : "Conflated"].filter(Boolean).join(" · ")}
          onClick={() => onChoose(exampleOf(name))}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

function Followed({ view, onUnfollow }: { readonly view: RawView; readonly onUnfollow: (topic: string) => void }): ReactElement {
  return (
    <ul className={styles.followed} aria-label="Followed topics">
      {view.topics.map(({ topic, refusal }) => (
        <li key={topic} data-topic={topic} data-refused={refusal !== undefined}>
          <code>{topic}</code>
          {refusal !== undefined && <span role="alert">{refusal}</span>}
          <button type="button" onClick={() => onUnfollow(topic)} aria-label={`Unsubscribe ${topic}`}>
            ×
          </button>
        </li>
      ))}
      {view.topics.length === 0 && <li className={styles.quiet}>{view.reason ?? "Nothing is followed."}</li>}
    </ul>
  );
}

function Frames({ socket, view }: { readonly socket: RawSocket; readonly view: RawView }): ReactElement {
  /** What is looked at while the list stands still. */
  const [held, setHeld] = useState<RawView>();
  useEffect(() => {
    if (view.frames.length === 0) setHeld(undefined);
  }, [view.frames.length]);
  const shown = held ?? view;
  const missed = held === undefined ? 0 : view.total - held.total;
  return (
    <section aria-labelledby="frames" className={styles.framesBox}>
      <div className={styles.bar}>
        <h3 id="frames">Raw frames</h3>
        <span className={styles.quiet} data-field="frames">
          {view.total} in all{view.total > MAX_FRAMES && `, the newest ${view.frames.length} kept`}
          {held !== undefined && ` · paused, ${missed} since`}
        </span>
        <span className={styles.push} />
        <button type="button" aria-pressed={held !== undefined} onClick={() => setHeld(held === undefined ? view : undefined)}>
          {held === undefined ? "Pause" : "Go on"}
        </button>
        <button type="button" onClick={() => socket.clear()}>
          Clear
        </button>
      </div>
      <FrameList frames={shown.frames} />
    </section>
  );
}

/** A topic of this kind that one may try: one's own, or of a symbol that trades. */
function exampleOf(name: string): string {
  return name.replace("{userId}", "me").replace("{symbol}", "EURUSD");
}
