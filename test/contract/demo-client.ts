/** The demo over HTTP, the way its page asks it. */
import { type TestServer, until } from "./server.ts";

export type Body = Record<string, unknown>;

export interface Answered {
  readonly status: number;
  readonly body: Body;
}

export function demoClient(server: () => Pick<TestServer, "url">) {
  async function post(path: string, body?: unknown, bearer?: string): Promise<Answered> {
    const answer = await fetch(`${server().url}${path}`, {
      method: "POST",
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Body };
  }

  const signIn = async (user: string) => String((await post("/api/demo/session", { user })).body["token"]);

  /** The id of an RFQ, which the desk takes as soon as the first prices are played. */
  async function requestQuotes(bearer: string, order: Body = {}): Promise<string> {
    const wanted = { symbol: "EURUSD", side: "buy", quantity: "1000000", seconds: 60, ...order };
    return until(async () => {
      const { status, body } = await post("/api/demo/rfqs", wanted, bearer);
      if (status !== 201 && status !== 503) throw new Error(`${status} ${JSON.stringify(body)}`);
      return status === 201 && String(body["rfqId"]);
    });
  }

  /** The best price is taken once there is one. A provider may withdraw at the very moment. */
  async function acceptBest(bearer: string, rfqId: string): Promise<Body> {
    return until(async () => {
      const { status, body } = await post(`/api/demo/rfqs/${rfqId}/accept`, {}, bearer);
      if (status !== 200 && body["message"] !== "no quote stands") throw new Error(`${status} ${JSON.stringify(body)}`);
      return status === 200 && body;
    });
  }

  async function get(path: string, bearer: string): Promise<Answered> {
    const answer = await fetch(`${server().url}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
    return { status: answer.status, body: (await answer.json()) as Body };
  }

  /** All events of a topic after one of them, else from the first. */
  async function history<T>(topic: string, bearer: string, after = ""): Promise<readonly T[]> {
    const events: T[] = [];
    for (let cursor = after; ;) {
      const { body } = await get(`/api/v1/topics/${topic}/events?limit=1000&after=${cursor}`, bearer);
      const page = body as unknown as { events: T[]; next: string; complete: boolean };
      events.push(...page.events);
      if (page.complete) return events;
      cursor = page.next;
    }
  }
  return { post, get, signIn, requestQuotes, acceptBest, history };
}
