/** A client of the money feed that names itself, and holds what it is told against the log. */
import { ledgerId, parseEventId } from "@broadtape/protocol/event-id";
import type { Connection, Form, Parcel } from "../../../packages/server/src/engine/message.ts";
import type { Session } from "../../../packages/server/src/engine/session.ts";
import { boundsOf } from "../../../packages/server/src/log/memory/memory-disk.ts";
import type { TextConversation } from "../../../packages/server/src/engine/surface.ts";
import { identityOf } from "../../../packages/server/testing/rig.ts";
import type { World, WorldNode } from "./world.ts";

const EVENTS = ["transaction", "fraud"];

interface Said {
  readonly type: string;
  readonly eventId?: string;
  readonly resumed?: boolean;
  readonly redelivered?: boolean;
  readonly data?: unknown;
}

/** One connection, as the client has it. */
export interface Line extends Connection {
  readonly node: WorldNode;
  session: Session | undefined;
  conversation: TextConversation | undefined;
  isOpen: boolean;
  /** The newest event that it was told on this connection. */
  toldTo: number;
  /** On this connection it subscribed anew: what was stored by then may be told on another. */
  from: number;
  /** Told on this connection. */
  readonly told: Set<number>;
  readonly acked: Set<number>;
  /** Written down as acknowledged, or passed, when it connected: not told again. */
  isDone: (offset: number) => boolean;
}

export class NamedClient {
  readonly clientId: string;
  readonly userId: string;
  readonly lines: Line[] = [];
  readonly #world: World;
  /** Of this life of the log. */
  #epoch = 0;
  /** Everything after this is owed to it; undefined until it has subscribed. */
  #owedAfter: number | undefined;
  #told = new Set<number>();
  #acked = new Set<number>();
  /** Sent to it where it was no more: that waits for its ack, until retention ends it. */
  #sent = new Set<number>();

  constructor(world: World, clientId: string, userId: string) {
    this.#world = world;
    this.clientId = clientId;
    this.userId = userId;
  }

  get live(): readonly Line[] {
    return this.lines.filter(({ node, isOpen, session }) => node.process.state !== "dead" && isOpen && session?.isClosed === false);
  }

  /** Comes to a node, whatever other connections it has. */
  async connect(node: WorldNode): Promise<void> {
    const { engine, process, surface } = node;
    const isAwake = () => process.state === "awake";
    if (!isAwake() || !engine.isReady) return;
    const identity = identityOf(this.userId);
    const id = engine.newId();
    const seat = await engine.enter(identity, id, `transactions ${this.clientId}`).catch(() => undefined);
    if (seat === undefined || !isAwake()) return;
    const row = await this.#world.database.find({ tenant: "acme", userId: this.userId, clientId: this.clientId });
    const pending = new Set(row?.pending.map(({ offset }) => offset));
    const line = this.#lineTo(node, (offset) => row?.epoch === engine.epoch && offset <= row.ackedOffset && !pending.has(offset));
    try {
      line.session = engine.open(
        identity,
        surface,
        line,
        { address: "a", userAgent: undefined, clientId: this.clientId, correlationId: "c" },
        id,
      );
    } catch {
      return;
    } finally {
      seat.leave();
    }
    this.lines.push(line);
    line.conversation = surface.open(line.session, new URLSearchParams());
  }

  /** The network takes its newest connection away. */
  drop(): void {
    const line = this.live.at(-1);
    if (line === undefined) return;
    line.isOpen = false;
    line.node.process.gate(() => line.session?.lost());
  }

  /** Acknowledges a share of what it was told on its newest connection, and has not acknowledged on that. */
  acknowledge(share: number): void {
    const line = this.live.at(-1);
    if (line === undefined) return;
    const open = [...line.told].filter((offset) => !line.acked.has(offset)).sort((a, b) => a - b);
    const count = Math.ceil(open.length * share);
    if (count === 0) return;
    const some = open.slice(0, count);
    for (const offset of some) {
      this.#acked.add(offset);
      line.acked.add(offset);
    }
    this.#say(line, { type: "ack", eventIds: some.map((offset) => ledgerId(line.node.engine.epoch, offset)) });
  }

  /** Checks that nothing that it is owed was left out. */
  missing(): number[] {
    const { events, disk } = this.#world;
    if (this.#epoch !== disk.epoch || this.#owedAfter === undefined) return [];
    const from = this.#owedAfter;
    return events
      .filter((event) => event.offset > from && this.#isOwn(event) && !this.#told.has(event.offset) && this.#isOwed(event.offset))
      .map(({ offset }) => offset);
  }

  #lineTo(node: WorldNode, isDone: (offset: number) => boolean): Line {
    const line: Line = {
      node,
      session: undefined,
      conversation: undefined,
      isOpen: true,
      toldTo: 0,
      from: 0,
      told: new Set(),
      acked: new Set(),
      isDone,
      form: formOf(node),
      ready: true,
      unsentBytes: 0,
      send: (parcel) => this.#read(line, parcel),
      close: () => (line.isOpen = false),
      cut: () => (line.isOpen = false),
    };
    return line;
  }

  #read(line: Line, { frames }: Parcel): void {
    for (const frame of frames) {
      const said = JSON.parse(frame.toString()) as Said;
      const place = said.eventId === undefined ? undefined : parseEventId(said.eventId);
      if (line.isOpen) this.#hear(line, said);
      else if (place?.epoch === this.#epoch) this.#sent.add(place.offset);
    }
  }

  #hear(line: Line, said: Said): void {
    const { engine } = line.node;
    if (said.type === "connected" && said.resumed !== true) {
      this.#owedAfter = undefined;
      this.#say(line, { type: "subscribe", events: EVENTS });
    } else if (said.type === "resync") {
      this.#beginAnew(engine.epoch, engine.routedTo);
      line.toldTo = engine.routedTo;
    } else if (said.type === "subscribed") {
      line.from = this.#world.disk.head;
      if (this.#owedAfter === undefined) this.#beginAnew(engine.epoch, line.from);
    } else if (said.eventId !== undefined && said.type !== "connected") this.#hearEvent(line, parseEventId(said.eventId), said);
  }

  #hearEvent(line: Line, place: ReturnType<typeof parseEventId>, said: Said): void {
    const fault = (what: string) =>
      this.#world.faults.push(`${this.clientId} at ${line.node.cluster.self.id}: ${what} (${JSON.stringify(said)})`);
    if (place === undefined) return void fault("an event without a place");
    const { offset, epoch } = place;
    if (epoch !== line.node.engine.epoch) fault("an event of another life");
    const event =
      this.#world.stored.get(epoch)?.find((each) => each.offset === offset) ??
      this.#world.disk.events.find((each) => each.event.offset === offset)?.event;
    if (event === undefined || !this.#isOwn(event)) fault("an event of somebody else");
    if (line.isDone(offset)) fault(`told ${offset} again, whose ack was written down`);
    if (!line.told.has(offset)) {
      if (offset < line.toldTo) fault(`told ${offset} after ${line.toldTo}`);
      if (epoch === this.#epoch) {
        const from = Math.max(line.toldTo, line.from, this.#owedAfter ?? Infinity);
        const skipped = this.#world.events.filter(
          (each) => each.offset > from && each.offset < offset && this.#isOwn(each) && this.#isOwed(each.offset),
        );
        if (skipped.length > 0) fault(`told ${offset} without ${skipped.map((each) => each.offset).join()}`);
      }
      line.toldTo = Math.max(line.toldTo, offset);
      line.told.add(offset);
    }
    if (epoch === this.#epoch) this.#told.add(offset);
  }

  #beginAnew(epoch: number, after: number): void {
    if (this.#epoch !== epoch) {
      this.#told = new Set();
      this.#acked = new Set();
      this.#sent = new Set();
    }
    this.#epoch = epoch;
    this.#owedAfter = after;
  }

  /** Neither acknowledged, nor sent once and then gone with retention. */
  #isOwed(offset: number): boolean {
    const { oldest } = boundsOf(this.#world.disk);
    return !this.#acked.has(offset) && !(offset < oldest && (this.#told.has(offset) || this.#sent.has(offset)));
  }

  #isOwn({ type, data }: { readonly type: string; readonly data: string }): boolean {
    return !type.startsWith("wallet.") && (JSON.parse(data) as { userId: string }).userId === this.userId;
  }

  /** It reaches the node when that takes it. */
  #say(line: Line, said: object): void {
    line.node.process.gate(() => {
      if (line.isOpen) line.conversation?.receive(JSON.stringify(said)).catch((error: unknown) => this.#world.faults.push(String(error)));
    });
  }
}

function formOf({ surface }: WorldNode): Form {
  return { surface, frame: ({ body }) => Buffer.from(body), join: (frames) => Buffer.concat(frames) };
}
