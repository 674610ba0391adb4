/** What is done over HTTP at one node and has to hold at all: sessions that end, subscriptions that change. */
import { setTimeout as passed } from "node:timers/promises";
import type { Door } from "./publishers.ts";
import { type ReaderContext, bearerOf } from "./reader.ts";

const PATIENCE_MS = 8000;
/** Trouble that has been over for so long is forgotten by all nodes. */
const FORGOTTEN_MS = 12_000;

interface Answered {
  readonly headers: Headers;
  readonly text: string;
}

/** Undefined where it is not answered with one of these: nobody knows what became of it. */
async function attempt(context: ReaderContext, path: string, init: RequestInit, good: readonly number[]): Promise<Answered | undefined> {
  try {
    const response = await fetch(`${context.random.oneOf(context.urls)}${path}`, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
    const text = await response.text();
    if (good.includes(response.status)) return { headers: response.headers, text };
    if (response.status < 500 && response.status !== 429) context.onViolation(`${init.method} ${path}: ${response.status} ${text}`);
  } catch {
    // It was cut off.
  }
  return undefined;
}

/** Until it is answered with one of these. */
async function asked(
  context: ReaderContext,
  path: string,
  init: RequestInit,
  good: readonly number[],
  isOver: () => boolean,
): Promise<Answered | undefined> {
  while (!isOver()) {
    const answer = await attempt(context, path, init, good);
    if (answer !== undefined) return answer;
    await passed(100);
  }
  return undefined;
}

/** Sessions that end while a stream hangs on them: nothing that is published from then on is told there. */
export async function endSessions(context: ReaderContext, publish: Door, isOver: () => boolean): Promise<number> {
  let ended = 0;
  for (let number = 0; !isOver(); number++) {
    const user = `${context.name}-${number}`;
    const authorization = `Bearer ${await bearerOf({ ...context, user })}`;
    const opened = await asked(context, "/api/session", { method: "POST", headers: { authorization } }, [201], isOver);
    const cookie = (opened?.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    if (opened === undefined) break;
    const stream = { told: "", isOpen: false, isOver: false };
    const end = new AbortController();
    void follow(`${context.random.oneOf(context.urls)}/api/stream/alerts`, cookie, stream, end.signal);
    const openBy = performance.now() + 5000;
    while (!stream.isOpen && performance.now() < openBy) await passed(50);
    await passed(context.random.between(0, 2000));
    // 401: the answer to an attempt before was lost.
    const closed = await asked(context, "/api/session", { method: "DELETE", headers: { cookie } }, [204, 401], isOver);
    const endedAt = performance.now();
    if (closed !== undefined) {
      ended += 1;
      const alert = { userId: user, alertId: "secret", level: "info", message: "secret" };
      for (let isTold = false; !isTold && !isOver();) {
        const draft = { id: user, source: "sessions", type: "alert.triggered", data: alert };
        isTold = await publish(context.tenant, [draft]).then(
          (answer) => answer !== "again",
          () => false,
        );
      }
      await passed(context.random.between(500, 3000));
      // A node that does not answer ends it when it hears of it.
      const isQuiet = context.troubles.isQuiet(undefined, endedAt - FORGOTTEN_MS, performance.now());
      if (isQuiet && stream.told.includes("secret"))
        context.onViolation(`a session that was ended was told what came after: ${stream.told}`);
    }
    end.abort();
  }
  return ended;
}

async function follow(
  url: string,
  cookie: string,
  stream: { told: string; isOpen: boolean; isOver: boolean },
  signal: AbortSignal,
): Promise<void> {
  try {
    const response = await fetch(url, { headers: { cookie }, signal });
    stream.isOpen = response.status === 200;
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) stream.told += part;
  } catch {
    // It was cut off.
  }
  stream.isOver = true;
}

export interface Changed {
  readonly id: string;
  /** What was answered last, and what was never answered: that may be done at any time. */
  readonly possible: ReadonlySet<number>;
}

/** Changes one subscription at any node; resolves with what was answered last. */
export async function changeSubscription(context: ReaderContext, isOver: () => boolean): Promise<Changed | undefined> {
  const authorization = `Bearer ${await bearerOf(context)}`;
  const headers = { authorization, "content-type": "application/json" };
  const body = JSON.stringify({ clientId: context.name, events: ["transaction"], filters: { minAmount: 0 } });
  const made = await asked(context, "/api/v1/subscriptions", { method: "POST", headers, body }, [200, 201], isOver);
  if (made === undefined) return undefined;
  const { id } = JSON.parse(made.text) as { id: string };
  const unanswered = new Set<number>();
  let answered = 0;
  for (let number = 1; !isOver(); number++) {
    const body = JSON.stringify({ filters: { minAmount: number } });
    const answer = await attempt(context, `/api/v1/subscriptions/${id}`, { method: "PATCH", headers, body }, [200]);
    if (answer === undefined) unanswered.add(number);
    else {
      const { filters } = JSON.parse(answer.text) as { filters?: { minAmount?: number } };
      if (Number(filters?.minAmount) !== number) context.onViolation(`a change to ${number} was answered with ${answer.text}`);
      answered = number;
    }
    await passed(context.random.between(200, 3000));
  }
  return { id, possible: new Set([...unanswered, answered]) };
}
