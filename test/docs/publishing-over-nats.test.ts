/** The page on publishing over NATS: its server, its node and its program, run as they stand there. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer, token } from "../contract/server.ts";
import { type NatsServer, startNats } from "../nats.ts";
import { codeOf, pageOf } from "./pages.ts";

const page = pageOf("docs/publishing-over-nats.md");
const [configuration = "", command = "", program = ""] = ["conf", "sh", "js"].map((language) => codeOf(page, language).join("\n"));
const passwords = { NODE_PASSWORD: "n0de", BROADTAPE_PASSWORD: "d00r", PRICING_PASSWORD: "s3cret" };
let nats: NatsServer;
let server: TestServer;

beforeAll(async () => {
  // Its variables are nats-server's own, which takes them from its file as well.
  nats = await startNats([...Object.entries(passwords).map(([name, value]) => `${name}: ${value}`), configuration]);
  const [, url = ""] = /BROADTAPE_NATS_PUBLISH_URL=(\S+) npx broadtape serve/.exec(command) ?? [];
  const place = url.replace("$BROADTAPE_PASSWORD", passwords.BROADTAPE_PASSWORD).replace("127.0.0.1:4222", new URL(nats.url).host);
  server = await startTestServer({ env: { BROADTAPE_NATS_PUBLISH_URL: place } });
});
afterAll(async () => {
  await server.remove();
  await nats.remove();
});

it("publishes an event once, however often it is told to", async () => {
  const env = {
    PATH: process.env["PATH"] ?? "",
    NATS_URL: nats.url,
    BROADTAPE_TOKEN: await token({ permissions: ["events:publish"] }),
    ...passwords,
  };
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    env,
  });
  const { stdout } = await run;
  expect(stdout).toMatch(/id: 'quote-1'[^}]*duplicate: false[^}]*}\s*{[^}]*duplicate: true/);
});
