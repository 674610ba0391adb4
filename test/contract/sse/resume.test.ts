/** Contract 50-sse "Resume": after any id, in order, each once, then live; what is no id of this log is told so. */
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TestServer, publish, startTestServer, token, until } from "../server.ts";
import { type Reader, alert, alertsOf, closeReaders, fresh, order, position, read, say } from "./reader.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    // So small that what was missed has to come out of the log.
    env: { BROADTAPE_LIMIT_RING_EVENTS: "16", BROADTAPE_LIMIT_SSE_ATTEMPTS_FAILED_PER_MINUTE: "1000" },
  });
});
afterAll(() => server.remove());
afterEach(closeReaders);

const user = async (word: string) => {
  const sub = fresh(word);
  return { sub, bearer: await token({ sub }) };
};
const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, each) => `${from + each}`);
const after = (path: string, bearer: string, id: string) =>
  read(server, `/api/stream/${path}`, { bearer, headers: { "Last-Event-ID": id } });

describe("a client with a last event id", () => {
  it("gets every event after it, from the log too, in order, no snapshot, then what happens", async () => {
    const { sub, bearer } = await user("back");
    const ids = await say(
      server,
      texts(0, 300).map((id) => order(sub, { id })),
    );
    for (const [place, lastId] of [
      [0, ids[0]],
      [150, ids[150]],
      [298, ids[298]],
      [299, ids[299]],
    ] as const) {
      const stream = await after("orders", bearer, lastId ?? "");
      const live = fresh("live");
      await until(() => stream.all("order:update").length === 299 - place, stream.text);
      await say(server, order(fresh("somebody"), { id: live }));
      expect(stream.all("order:update").map(({ id }) => id)).toEqual(ids.slice(place + 1));
      expect(stream.names()).toEqual(["connected", ...ids.slice(place + 1).map(() => "order:update")]);
      expect(stream.all("connected")[0]?.id).toBeUndefined();
    }
    const stream = await after("orders", bearer, ids[299] ?? "");
    await stream.first("connected");
    const [next] = await say(server, order(sub, { id: "next" }));
    expect((await stream.first("order:update")).id).toBe(next);
  });

  it("may say it in the query; the header, which is newer, counts first", async () => {
    const { sub, bearer } = await user("query");
    const ids = await say(
      server,
      texts(0, 5).map((text) => alert(sub, text)),
    );
    const byQuery = await read(server, `/api/stream/alerts?lastEventId=${ids[2]}`, { bearer });
    await until(() => alertsOf(byQuery).length === 2, byQuery.text);
    expect(alertsOf(byQuery)).toEqual(["3", "4"]);
    const both = await read(server, `/api/stream/alerts?lastEventId=${ids[0]}`, { bearer, headers: { "Last-Event-ID": ids[3] ?? "" } });
    await until(() => alertsOf(both).length === 1, both.text);
    expect(alertsOf(both)).toEqual(["4"]);
  });

  it("may take its id from another stream, another user's event or a heartbeat: it is a place in the log", async () => {
    const { sub, bearer } = await user("place");
    await say(server, [order(sub), alert(sub, "before")]);
    const [other = ""] = await say(server, alert(fresh("somebody"), "theirs"));
    await say(server, [position(sub), alert(sub, "after")]);
    const stream = await after("alerts", bearer, other);
    await until(() => alertsOf(stream).length > 0, stream.text);
    expect(alertsOf(stream)).toEqual(["after"]);
    const trading = await after("trading", bearer, other);
    await trading.first("position:update");
    expect(trading.names().slice(0, 2)).toEqual(["connected", "position:update"]);
  });

  it("misses nothing and gets nothing twice while events come without pause", async () => {
    const { sub, bearer } = await user("busy");
    const over = new AbortController();
    const published: string[] = [];
    const publisher = (async () => {
      for (let each = 0; !over.signal.aborted; each++)
        published.push(...(await say(server, [alert(sub, `${each}a`), alert(sub, `${each}b`)])));
    })();
    const seen: (string | undefined)[] = [];
    let stream: Reader = await read(server, "/api/stream/alerts", { bearer });
    await stream.first("alert:new");
    for (let turn = 0; turn < 12; turn++) {
      stream.close();
      seen.push(...stream.all("alert:new").map(({ id }) => id));
      const place = seen.length;
      stream = await read(server, "/api/stream/alerts", { bearer, gzip: turn % 2 === 1, headers: { "Last-Event-ID": seen.at(-1) ?? "" } });
      await until(
        () => stream.all("alert:new").length >= 3,
        () => `${place} ${stream.text()}`,
      );
    }
    over.abort();
    await publisher;
    await until(() => stream.all("alert:new").at(-1)?.id === published.at(-1), stream.text);
    seen.push(...stream.all("alert:new").map(({ id }) => id));
    expect(seen).toEqual(published);
  });
});

describe("an id that is none of this log", () => {
  const path = "trading";
  const resynced = async (stream: Reader, reason = "unknown") => {
    await stream.first("position:update", (data) => data["snapshot"] === true);
    expect(stream.names()).toEqual(["connected", "resync", "order:update", "position:update"]);
    expect(stream.all("resync")[0]?.data).toEqual({ reason, eventId: expect.any(String) });
    expect(stream.all("order:update")[0]?.data.orders).toHaveLength(1);
  };

  it("is told `resync`, then what stands, and the id that comes with it is good for the next time", async () => {
    const { sub, bearer } = await user("unknown");
    const [known = ""] = await say(server, order(sub));
    const [stamp = "", suffix = ""] = known.split("-");
    const later = `${stamp}-${suffix.slice(0, 4)}${"z".repeat(9)}0`;
    const otherLife = `${stamp}-${suffix.startsWith("0001") ? "0002" : "0001"}${suffix.slice(4)}`;
    for (const id of [
      "1735819800000-abc123def",
      "nonsense",
      "0",
      "-1",
      "'; drop table events --",
      "x".repeat(9000),
      later,
      otherLife,
      "%00%0a",
    ]) {
      await resynced(await after(path, bearer, id));
      const byQuery = await read(server, `/api/stream/${path}?lastEventId=${encodeURIComponent(id)}`, { bearer });
      await resynced(byQuery);
      for (const each of [byQuery]) each.close();
    }
    for (const bytes of ["\u00ff\u00fe", "\u00e9\u0080"]) await resynced(await after(path, bearer, bytes));
    const stream = await after(path, bearer, "nonsense");
    const { id = "" } = await stream.first("position:update");
    const again = await after(path, bearer, id);
    await again.first("connected");
    await say(server, order(sub, { id: "o-2" }));
    await again.first("order:update");
    expect(again.names()).toEqual(["connected", "order:update"]);
  });

  it("is an empty one neither in the header nor in the query: that client begins anew", async () => {
    const { bearer } = await user("empty");
    for (const stream of [await after(path, bearer, ""), await read(server, `/api/stream/${path}?lastEventId=`, { bearer })]) {
      await stream.first("position:update");
      expect(stream.names()).toEqual(["connected", "order:update", "position:update"]);
    }
  });

  it("never takes the server down, whatever comes in whichever place", async () => {
    const { bearer } = await user("fuzz");
    const letters = "0123456789abcxyzEV-%&=#\u0001\u007f\u00e9\u00ff .,*:/\\\"'{}[]";
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    const noise = (length: number) => Array.from({ length }, () => letters[random(letters.length)] ?? "").join("");
    const names = ["orders", "positions", "prices", "trading", "ai-decisions", "alerts", "strategies/none", "metrics"];
    for (let turn = 0; turn < 60; turn++) {
      const name = names[random(names.length)] ?? "";
      const query = ["lastEventId", "replay", "symbols", "userId", "clientId", "after", "topics"].map(
        (key) => `${key}=${encodeURIComponent(noise(random(20)))}`,
      );
      const raw = noise(random(30)).replace(/[^\x21-\x7e]|#/g, "");
      const url = `/api/stream/${name}?${random(2) === 0 ? query[random(query.length)] : raw}`;
      const header = noise(random(60)).replace(/[\u0000-\u001f\u007f]/g, "");
      const answer = await read(server, url, { bearer, headers: { "Last-Event-ID": header } });
      expect([200, 400, 403, 404], `${url} ${header}`).toContain(answer.status);
      if (answer.status !== 200) expect(await answer.json()).toMatchObject({ statusCode: answer.status, message: expect.any(String) });
      answer.close();
    }
    for (const path of [
      "/api/stream/strategies/%zz",
      "/api/stream/strategies/%00",
      `/api/stream/strategies/${"x".repeat(3000)}`,
      "/api/stream/%2e%2e/orders",
    ]) {
      const answer = await read(server, path, { bearer });
      expect([400, 404, 414], path).toContain(answer.status);
      expect(await answer.json()).toMatchObject({ statusCode: answer.status });
    }
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  it("is two ids at once", async () => {
    const { sub, bearer } = await user("two");
    const [id = ""] = await say(server, order(sub));
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString()));
    const head = `Host: x\r\nAuthorization: Bearer ${bearer}`;
    socket.write(`GET /api/stream/orders HTTP/1.1\r\n${head}\r\nLast-Event-ID: ${id}\r\nLast-Event-ID: ${id}\r\n\r\n`);
    await until(
      () => text.includes("event: resync") && text.includes('"snapshot":true'),
      () => text,
    );
    socket.destroy();
  });
});

it("tells a stream whose event came while it opened", async () => {
  for (let turn = 0; turn < 40; turn++) {
    const { sub, bearer } = await user("race");
    const [stream] = await Promise.all([read(server, "/api/stream/alerts", { bearer }), publish(server.url, alert(sub, "now"))]);
    await stream.first("alert:new");
    expect(stream.all("alert:new")).toHaveLength(1);
    stream.close();
  }
});
