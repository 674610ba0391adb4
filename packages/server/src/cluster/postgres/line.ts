/** The connection on which a node listens and looks, from LISTEN to the loss. */
import { escapeIdentifier, type Pool, type PoolClient } from "pg";
import type { ClusterNode } from "../cluster.ts";
import { queryAll, type Row, within } from "./database.ts";
import { SEEN } from "./group.ts";
import type { SeenNode } from "./presence.ts";
import { ms, text } from "./sql.ts";
import type { ClusterTimes } from "./times.ts";

/** Of one look: a node that is far behind hears them page by page. */
const NOTES_PAGE = 500;
/** Letters are large. */
const LETTERS_PAGE = 50;

export interface LineOptions {
  readonly pool: Pool;
  readonly node: ClusterNode;
  readonly channel: string;
  readonly times: ClusterTimes;
  /** There is something to look at for this node. */
  readonly onWake: () => void;
}

export interface NoteRow {
  readonly number: number;
  readonly from: ClusterNode;
  readonly kind: string;
  readonly body: string;
  readonly toldAt: number;
}

export interface LetterRow {
  readonly from: ClusterNode;
  readonly question: string;
  readonly kind: string | undefined;
  readonly body: string | undefined;
  readonly endsInMs: number;
}

export interface Look {
  readonly nodes: readonly SeenNode[];
  readonly life: string | undefined;
  /** The last note's number. */
  readonly head: number;
  readonly notes: readonly NoteRow[];
  readonly letters: readonly LetterRow[];
  /** More was there than one look takes. */
  readonly isMore: boolean;
  /** The database did not know this node. */
  readonly wasUnknown: boolean;
}

/** Resolves when it listens. */
export async function dial(options: LineOptions): Promise<Line> {
  const line = new Line(await options.pool.connect(), options);
  try {
    await line.listen();
    return line;
  } catch (error) {
    line.end();
    throw error;
  }
}

export class Line {
  readonly #client: PoolClient;
  readonly #options: LineOptions;
  #isLost = false;
  #isReleased = false;

  constructor(client: PoolClient, options: LineOptions) {
    this.#client = client;
    this.#options = options;
    const lose = () => {
      this.#isLost = true;
      // Looking again finds out.
      options.onWake();
    };
    client.once("error", lose);
    client.once("end", lose);
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  async listen(): Promise<void> {
    const { node, channel, onWake } = this.#options;
    this.#client.on("notification", ({ payload }) => {
      if (payload === "" || payload === node.id) onWake();
    });
    await this.#ask(`listen ${escapeIdentifier(channel)}`);
  }

  /** The database's time. */
  async time(): Promise<number> {
    const [row] = await this.#ask("select extract(epoch from clock_timestamp())::float8 * 1000 as time");
    return Number(row?.["time"]);
  }

  /** @param isRenewal also renews the lease */
  async look(heard: number, isRenewal: boolean): Promise<Look> {
    const { node, times } = this.#options;
    const statements = [LIFE, NODES(times), HEAD, NOTES(heard), LETTERS(node), ...(isRenewal ? [LIVE, SEEN(node)] : [])];
    const results = await within(queryAll(this.#client, statements), times.answerMs);
    const [life, nodes, head, notes, letters] = results;
    return {
      life: life?.[0] === undefined ? undefined : String(life[0]["id"]),
      nodes: (nodes ?? []).map(nodeOf),
      head: Number(head?.[0]?.["number"] ?? 0),
      notes: (notes ?? []).map(noteOf),
      letters: (letters ?? []).map(letterOf).filter(({ endsInMs }) => endsInMs > 0),
      isMore: notes?.length === NOTES_PAGE || letters?.length === LETTERS_PAGE,
      wasUnknown: isRenewal && results.at(-1)?.[0]?.["is_new"] === true,
    };
  }

  /** The last note that was told before the one which this node heard last, where notes were lost with a database. */
  async numberAt(toldAt: number): Promise<number> {
    const [row] = await this.#ask(
      `select coalesce(max(number), 0)::float8 as number from notes where extract(epoch from told_at)::float8 * 1000 <= ${toldAt}`,
    );
    return Number(row?.["number"] ?? 0);
  }

  end(): void {
    if (!this.#isReleased) this.#client.release(true);
    this.#isReleased = true;
    this.#isLost = true;
  }

  async #ask(sql: string): Promise<readonly Row[]> {
    return (await within(this.#client.query<Row>(sql), this.#options.times.answerMs)).rows;
  }
}

const LIFE = "select id from life";
/** Marks tables that were emptied. */
const LIVE = "insert into life values (true, gen_random_uuid()) on conflict (is_one) do nothing";
const HEAD = "select number from note_head";

const NODES = ({ leaseMs }: ClusterTimes): string => `
select id, name, extract(epoch from seen_at)::float8 as seen_at, seen_at > clock_timestamp() - ${ms(leaseMs)} as is_leased from nodes`;

/** Own ones too: their numbers show that nothing is missing. */
const NOTES = (heard: number): string => `
select number, node, node_name, kind, body, extract(epoch from told_at)::float8 * 1000 as told_at
from notes where number > ${heard} order by number limit ${NOTES_PAGE}`;

const LETTERS = (node: ClusterNode): string => `
with taken as (
  delete from letters where recipient = ${text(node.id)}
    and number in (select number from letters where recipient = ${text(node.id)} order by number limit ${LETTERS_PAGE})
  returning *
)
select sender, sender_name, question, kind, body, extract(epoch from ends_at - clock_timestamp())::float8 * 1000 as ends_in_ms
from taken order by number`;

function nodeOf(row: Row): SeenNode {
  return { id: String(row["id"]), name: String(row["name"]), seenAt: Number(row["seen_at"]), isLeased: row["is_leased"] === true };
}

function noteOf(row: Row): NoteRow {
  return {
    number: Number(row["number"]),
    from: { id: String(row["node"]), name: String(row["node_name"]) },
    kind: String(row["kind"]),
    body: String(row["body"]),
    toldAt: Number(row["told_at"]),
  };
}

function letterOf(row: Row): LetterRow {
  return {
    from: { id: String(row["sender"]), name: String(row["sender_name"]) },
    question: String(row["question"]),
    kind: textOf(row["kind"]),
    body: textOf(row["body"]),
    endsInMs: Number(row["ends_in_ms"]),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
