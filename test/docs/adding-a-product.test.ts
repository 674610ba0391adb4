/** The page that adds a product: its code is run as it stands there, served, published to and followed. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { nativeClients } from "../contract/native-client.ts";
import { SECRET, freePort, publish, token, until } from "../contract/server.ts";
import { faultsOf } from "./compile.ts";
import { codeOf, pageOf } from "./pages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = pageOf("docs/adding-a-product.md");
const declaration = codeOf(page, "ts").join("\n");
const [follower = ""] = codeOf(page, "js");
const [start = "", publishing = ""] = codeOf(page, "sh");

const data = mkdtempSync(join(tmpdir(), "broadtape-news-"));
const secret = join(data, "jwt");
/** Inside the workspace, so that imports find its packages; ignored by Git. */
mkdirSync(join(root, "test-results"), { recursive: true });
const folder = mkdtempSync(join(root, "test-results/adding-a-product-"));
const url = { current: "" };
const running: ChildProcess[] = [];
const { welcomed, end } = nativeClients(() => ({ url: url.current }));

/** The page's commands, with another port and other folders. */
const own = (command: string) =>
  command
    .replaceAll("/run/secrets/jwt", secret)
    .replaceAll("/var/lib/broadtape", join(data, "data"))
    .replaceAll("localhost:3000", new URL(url.current).host)
    .replaceAll(/(?<=source )news\.ts/g, join(folder, "news.ts"));

/** Runs a command until the end of the test; what it has said so far. */
function run(command: string, env: Readonly<Record<string, string>>): () => string {
  const child = spawn("bash", ["-ec", command], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", HOME: data, ...env },
    detached: true,
  });
  running.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  return () => output;
}

beforeAll(async () => {
  const port = await freePort();
  url.current = `http://localhost:${port}`;
  writeFileSync(secret, SECRET);
  writeFileSync(join(folder, "news.ts"), declaration);
  const output = run(own(start), { PORT: String(port) });
  await until(
    () =>
      fetch(`${url.current}/readyz`).then(
        (response) => response.ok,
        () => false,
      ),
    output,
  );
});
afterAll(async () => {
  end();
  for (const child of running.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exit = once(child, "exit");
    process.kill(-(child.pid ?? 0), "SIGTERM");
    await exit;
  }
  for (const each of [folder, data]) rmSync(each, { recursive: true });
});

it("is under 100 lines of code that compile", () => {
  expect(`${declaration}\n${follower}`.split("\n").length).toBeLessThan(100);
  expect(faultsOf(declaration, ["node"])).toEqual([]);
});

it("publishes, and is followed with the SDK, as the page shows", async () => {
  const { stdout } = await promisify(execFile)("bash", ["-ec", own(publishing)], { cwd: root, env: { ...process.env, HOME: data } });
  expect(stdout).toMatch(/"accepted":1.*\{"topic":"news:markets","state":\{"headlines":\[\{"headline":"ECB leaves rates as they are"/s);
  writeFileSync(join(folder, "follow.js"), own(follower));
  const output = run(`exec node --conditions=@broadtape/source ${join(folder, "follow.js")}`, {
    BROADTAPE_TOKEN: await token({ tenantId: "acme" }),
  });
  await until(() => output().includes('so far {"headlines":[{"headline":"ECB leaves rates as they are"'), output);
  await publish(
    url.current,
    { type: "news.published", data: { section: "markets", headline: "Gold up" } },
    { bearer: await token({ tenantId: "acme", permissions: ["events:publish"] }) },
  );
  await until(() => output().includes('news.published {"section":"markets","headline":"Gold up"}'), output);
});

it("is followed over the native protocol: a snapshot, each event after it, and what was missed after a cut", async () => {
  const say = (section: string, headline: string, more: object = {}) =>
    publish(url.current, { type: "news.published", data: { section, headline, ...more } });
  await say("sports", "Kick-off", { author: "a secret" });
  const first = await welcomed();
  first.say({ type: "subscribe", id: 1, topics: ["news:sports", "news:research", "news:?"] });
  const answer = await first.first("subscribed");
  expect(answer).toMatchObject({
    results: [{ ok: true }, { ok: false, code: "FORBIDDEN" }, { ok: false, code: "BAD_REQUEST" }],
    snapshots: [{ topic: "news:sports", state: { headlines: [{ headline: "Kick-off" }] } }],
  });
  await say("sports", "Half-time", { body: "1:0", author: "a secret" });
  expect(await first.first("event")).toMatchObject({
    topic: "news:sports",
    event: "news.published",
    data: { section: "sports", headline: "Half-time", body: "1:0" },
  });
  expect(JSON.stringify(first.told)).not.toContain("a secret");
  end();
  await say("sports", "Full time");
  const again = await welcomed();
  again.say({ type: "subscribe", id: 1, topics: ["news:sports"], after: (await first.first("event"))["eventId"] });
  expect(await again.first("event")).toMatchObject({ data: { headline: "Full time" } });
});

it("refuses what does not pass its schema, with the path", async () => {
  const answer = await publish(url.current, { type: "news.published", data: { section: "Sports", headline: "" } });
  expect([answer.status, answer.body.errors.map(({ path }) => path)]).toEqual([422, ["data.section", "data.headline"]]);
});
