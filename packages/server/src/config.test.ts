import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { BadConfig, readConfig } from "./config.ts";
import { describeConfig } from "./config/describe.ts";
import { defaultLimits } from "./config/limits.ts";
import type { Environment, Flags } from "./config/sources.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-config-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const SECRET = "0123456789abcdef0123456789abcdef";
const keys = { BROADTAPE_JWT_SECRET: SECRET };

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function faultsOf(env: Environment, flags: Flags = {}): readonly string[] {
  try {
    readConfig(env, flags);
  } catch (error) {
    if (error instanceof BadConfig) return error.faults;
    throw error;
  }
  return [];
}

describe("readConfig", () => {
  it("has the contract's defaults", () => {
    expect(readConfig(keys)).toEqual({
      host: "127.0.0.1",
      port: 3000,
      dataDirectory: resolve("data"),
      databaseUrl: undefined,
      natsUrl: undefined,
      natsPublishing: undefined,
      nodeName: expect.stringMatching(/^node-[0-9a-f]{8}$/) as string,
      keys: { kind: "secret", secret: SECRET },
      issuer: undefined,
      audience: undefined,
      demo: false,
      symbols: undefined,
      publicTenant: "public",
      corsOrigins: [],
      trustProxy: [],
      retention: { maxAgeMs: 7 * 86_400_000, maxBytes: 10 * 2 ** 30 },
      dedupeWindowMs: 7 * 86_400_000,
      notify: undefined,
      logLevel: "info",
      limits: defaultLimits,
      warnings: [],
    });
  });

  it("lets a flag win over the environment", () => {
    const config = readConfig({ ...keys, PORT: "4000", BROADTAPE_JWT_ISSUER: "a" }, { port: "5000", "jwt-issuer": "b" });
    expect(config).toMatchObject({ port: 5000, issuer: "b" });
  });

  it("takes an empty variable for one that is not set", () => {
    expect(readConfig({ ...keys, PORT: "", BROADTAPE_SYMBOLS: " " })).toMatchObject({ port: 3000, symbols: undefined });
  });

  it("names every variable that is wrong, one line each", () => {
    const faults = faultsOf({ PORT: "http", BROADTAPE_RETENTION: "soon", LOG_LEVEL: "loud", BROADTAPE_JWT_SECRET: "short" });
    expect(faults.map((fault) => fault.split(":")[0]).sort()).toEqual(["BROADTAPE_JWT_SECRET", "BROADTAPE_RETENTION", "LOG_LEVEL", "PORT"]);
    expect(faults.every((fault) => !fault.includes("\n"))).toBe(true);
  });

  it("names the flag beside the variable where the flag is wrong", () => {
    expect(faultsOf(keys, { port: "99999" })).toEqual(["PORT (--port): must be a port: 0 to 65535"]);
  });

  it("refuses a variable that it does not know, with the nearest one that it does", () => {
    expect(faultsOf({ ...keys, BROADTAPE_LIMIT_RING_EVENT: "5" })).toEqual([
      "BROADTAPE_LIMIT_RING_EVENT: is not a setting; the nearest is BROADTAPE_LIMIT_RING_EVENTS",
    ]);
  });

  it("passes over the variables of the commands that are clients", () => {
    expect(faultsOf({ ...keys, BROADTAPE_URL: "http://127.0.0.1:1", BROADTAPE_TOKEN: "x" })).toEqual([]);
  });

  it("reads the conventional name of the CORS origins", () => {
    expect(readConfig({ ...keys, CORS_ORIGINS: "https://desk.example.com/, *" }).corsOrigins).toEqual(["https://desk.example.com", "*"]);
    expect(faultsOf({ ...keys, CORS_ORIGINS: "desk" })[0]).toMatch(/^BROADTAPE_CORS_ORIGINS \(CORS_ORIGINS\): must be origins/);
  });

  it.each([
    ["30d", 30 * 86_400_000, 10 * 2 ** 30],
    ["500MB", 7 * 86_400_000, 5e8],
    ["12h/1GiB", 12 * 3_600_000, 2 ** 30],
    [" 2 GiB / 1 d ", 86_400_000, 2 ** 31],
    ["/ 3 GiB", 7 * 86_400_000, 3 * 2 ** 30],
    ["1w /", 604_800_000, 10 * 2 ** 30],
  ])("reads the retention %j", (text, maxAgeMs, maxBytes) => {
    expect(readConfig({ ...keys, BROADTAPE_RETENTION: text }).retention).toEqual({ maxAgeMs, maxBytes });
  });

  it.each(["/", "0d", "7", "7d / 8d", "7d / 1 GiB / 1h", "ten GiB", "7 parsecs"])("refuses the retention %j", (text) => {
    expect(faultsOf({ ...keys, BROADTAPE_RETENTION: text })).toHaveLength(1);
  });

  it("remembers ids as long as events unless told otherwise", () => {
    expect(readConfig({ ...keys, BROADTAPE_RETENTION: "2d" }).dedupeWindowMs).toBe(2 * 86_400_000);
    expect(readConfig({ ...keys, BROADTAPE_DEDUPE_WINDOW: "1h" }).dedupeWindowMs).toBe(3_600_000);
    expect(readConfig({ ...keys, BROADTAPE_DEDUPE_WINDOW: "forever" }).dedupeWindowMs).toBe(Infinity);
  });

  it("reads lists of symbols and of proxies", () => {
    const config = readConfig({
      ...keys,
      BROADTAPE_SYMBOLS: "EUR/USD, BTC-USDT,EUR/USD",
      BROADTAPE_TRUST_PROXY: "loopback, 10.0.0.0/8, ::1",
    });
    expect(config).toMatchObject({ symbols: ["EUR/USD", "BTC-USDT"], trustProxy: ["loopback", "10.0.0.0/8", "::1"] });
    expect(faultsOf({ ...keys, BROADTAPE_SYMBOLS: "EUR USD" })).toHaveLength(1);
    expect(faultsOf({ ...keys, BROADTAPE_TRUST_PROXY: "10.0.0.0/33" })).toHaveLength(1);
  });

  it("takes limits in their unit or with one, and only within their bounds", () => {
    const { limits } = readConfig(
      { ...keys, BROADTAPE_LIMIT_UNSENT_BYTES: "2 MiB", BROADTAPE_LIMIT_HEARTBEAT_MS: "45s" },
      { "limit-history-page": "5" },
    );
    expect(limits).toEqual({ ...defaultLimits, unsentBytes: 2 * 2 ** 20, heartbeatMs: 45_000, historyPage: 5 });
    expect(faultsOf({ ...keys, BROADTAPE_LIMIT_BATCH_EVENTS: "0" })).toEqual([
      "BROADTAPE_LIMIT_BATCH_EVENTS: must be a whole number from 1 to 9007199254740991 (events)",
    ]);
    expect(faultsOf({ ...keys, BROADTAPE_LIMIT_HEARTBEAT_MS: "60d" })).toHaveLength(1);
    expect(faultsOf({ ...keys, BROADTAPE_LIMIT_BEHIND_BYTES: "2 MiB" })).toEqual([
      "BROADTAPE_LIMIT_BEHIND_BYTES: must not be above BROADTAPE_LIMIT_UNSENT_BYTES",
    ]);
  });

  it("wants keys, and only one kind", () => {
    expect(faultsOf({})).toEqual(["BROADTAPE_JWT_SECRET: is required (or BROADTAPE_JWKS), unless BROADTAPE_DEMO is on"]);
    expect(faultsOf({ ...keys, BROADTAPE_JWKS: "https://id.example.com/keys" })).toEqual([
      "BROADTAPE_JWT_SECRET: is set beside BROADTAPE_JWKS; give one of them",
    ]);
  });

  it("refuses a secret under 32 bytes, counted in bytes", () => {
    expect(faultsOf({ BROADTAPE_JWT_SECRET: "x".repeat(31) })).toEqual(["BROADTAPE_JWT_SECRET: must be at least 32 bytes"]);
    expect(faultsOf({ BROADTAPE_JWT_SECRET: "é".repeat(16) })).toEqual([]);
  });

  it("keeps the demo's secret in the data directory where no keys are given", () => {
    expect(readConfig({ BROADTAPE_DEMO: "on", BROADTAPE_DATA_DIR: directory }).keys).toEqual({
      kind: "kept",
      file: join(directory, "demo-secret"),
    });
    expect(readConfig({ BROADTAPE_DEMO: "on", ...keys }).keys.kind).toBe("secret");
  });

  it("reads a secret from a file", () => {
    const path = file("secret", `${SECRET}\n`);
    expect(readConfig({ BROADTAPE_JWT_SECRET_FILE: path }).keys).toEqual({ kind: "secret", secret: SECRET });
    expect(readConfig({ BROADTAPE_JWT_SECRET: "y".repeat(32) }, { "jwt-secret-file": path }).keys).toEqual({
      kind: "secret",
      secret: SECRET,
    });
    expect(faultsOf({ ...keys, BROADTAPE_JWT_SECRET_FILE: path })[0]).toMatch(
      /^BROADTAPE_JWT_SECRET: is set beside BROADTAPE_JWT_SECRET_FILE/,
    );
    expect(faultsOf({ BROADTAPE_JWT_SECRET_FILE: join(directory, "missing") })[0]).toMatch(/^BROADTAPE_JWT_SECRET_FILE: .* cannot be read/);
  });

  it("takes key sets from a URL or a file, and looks into the file", () => {
    expect(readConfig({ BROADTAPE_JWKS: "https://id.example.com/keys" }).keys).toEqual({
      kind: "jwks",
      location: "https://id.example.com/keys",
    });
    const path = file("keys.json", '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}');
    expect(readConfig({ BROADTAPE_JWKS: path }).keys).toEqual({ kind: "jwks", location: pathToFileURL(path).href });
    expect(faultsOf({ BROADTAPE_JWKS: file("oct.json", '{"keys":[{"kty":"oct","k":"AAAA"}]}') })[0]).toMatch(
      /^BROADTAPE_JWKS: .*symmetric key/,
    );
    expect(faultsOf({ BROADTAPE_JWKS: join(directory, "missing.json") })[0]).toMatch(/^BROADTAPE_JWKS: .*no such file/);
  });

  it("refuses NATS without a database, rather than run several nodes that are each alone", () => {
    expect(faultsOf({ ...keys, BROADTAPE_NATS_URL: "nats://n" })).toEqual([
      "BROADTAPE_NATS_URL: needs BROADTAPE_DATABASE_URL: NATS only carries, several nodes share what the database keeps",
    ]);
  });

  it("takes one NATS server or several", () => {
    const shared = { ...keys, BROADTAPE_DATABASE_URL: "postgres://db/x" };
    for (const url of ["nats://n", "tls://ann:secret@n1:4222, nats://n2:4222,nats://[::1]:4222"])
      expect(readConfig({ ...shared, BROADTAPE_NATS_URL: url }).natsUrl).toBe(url);
    expect(readConfig(shared).natsUrl).toBeUndefined();
    for (const bad of ["n:4222", "http://n:4222", "nats://", "nats://n1,", "nats://n1,n2"])
      expect(faultsOf({ ...shared, BROADTAPE_NATS_URL: bad }), bad).toEqual([
        "BROADTAPE_NATS_URL: must be nats://host:port, or tls:// where it has to be encrypted; several servers with commas between them",
      ]);
  });

  it("lets services publish where nodes hear each other, unless another place is named", () => {
    const subject = "broadtape.publish";
    const shared = { ...keys, BROADTAPE_DATABASE_URL: "postgres://db/x", BROADTAPE_NATS_URL: "nats://nodes" };
    expect(readConfig(shared).natsPublishing).toEqual({ url: "nats://nodes", subject });
    const apart = { BROADTAPE_NATS_PUBLISH_URL: "nats://services" };
    expect(readConfig({ ...shared, ...apart }).natsPublishing).toEqual({ url: "nats://services", subject });
    expect(readConfig({ ...keys, ...apart, BROADTAPE_NATS_PUBLISH_SUBJECT: "test.events" }).natsPublishing).toEqual({
      url: "nats://services",
      subject: "test.events",
    });
    for (const bad of ["a b", "a.*", ">", "a..b", "broadtape.log.x", "_INBOX.a", "$SYS.a"])
      expect(faultsOf({ ...keys, BROADTAPE_NATS_PUBLISH_SUBJECT: bad }), bad).toEqual([
        "BROADTAPE_NATS_PUBLISH_SUBJECT: must be letters, digits, _ and - with dots between them, and not begin with broadtape.log or _INBOX",
      ]);
  });

  it("takes a name for the node, or makes one that no other node has", () => {
    expect(readConfig({ ...keys, BROADTAPE_NODE: "broadtape-0" }).nodeName).toBe("broadtape-0");
    expect(readConfig(keys).nodeName).not.toBe(readConfig(keys).nodeName);
    for (const bad of ["a b", "node_1", "node.1", "n".repeat(64)])
      expect(faultsOf({ ...keys, BROADTAPE_NODE: bad }), bad).toEqual(["BROADTAPE_NODE: must be 1 to 63 letters, digits or hyphens"]);
  });

  it("takes a database by its URL", () => {
    const url = "postgresql://ann:secret@db.example.com:5433/desk?sslmode=verify-full";
    expect(readConfig({ ...keys, BROADTAPE_DATABASE_URL: url }).databaseUrl).toBe(url);
    expect(readConfig(keys).databaseUrl).toBeUndefined();
    for (const bad of ["db.example.com/desk", "mysql://db/x", "postgres://db", "postgres:///x"])
      expect(faultsOf({ ...keys, BROADTAPE_DATABASE_URL: bad }), bad).toEqual([
        "BROADTAPE_DATABASE_URL: must be postgres://user:password@host:port/database",
      ]);
  });

  it("warns of a DATABASE_URL that may be somebody else's", () => {
    expect(readConfig({ ...keys, DATABASE_URL: "postgres://db/x" }).warnings).toEqual([
      "DATABASE_URL is set and not used: the server reads BROADTAPE_DATABASE_URL",
    ]);
  });

  it("wants notifications whole", () => {
    expect(faultsOf({ ...keys, BROADTAPE_NOTIFY_WEBHOOK_URL: "https://x.example.com" })).toEqual([
      "BROADTAPE_NOTIFY_WEBHOOK_SECRET: is required with BROADTAPE_NOTIFY_WEBHOOK_URL",
    ]);
    expect(faultsOf({ ...keys, BROADTAPE_NOTIFY_SMTP_URL: "smtp://mail" })).toEqual([
      "BROADTAPE_NOTIFY_FROM: is required with BROADTAPE_NOTIFY_SMTP_URL",
    ]);
    const webhook = { BROADTAPE_NOTIFY_WEBHOOK_URL: "https://x.example.com/hook", BROADTAPE_NOTIFY_WEBHOOK_SECRET: "s" };
    const smtp = { BROADTAPE_NOTIFY_SMTP_URL: "smtps://u:p@mail.example.com", BROADTAPE_NOTIFY_FROM: "desk@example.com" };
    expect(readConfig({ ...keys, ...webhook }).notify).toEqual({ kind: "webhook", url: "https://x.example.com/hook", secret: "s" });
    const from = { name: "", address: "desk@example.com" };
    expect(readConfig({ ...keys, ...smtp }).notify).toEqual({ kind: "smtp", url: "smtps://u:p@mail.example.com", from, to: "{userId}" });
    expect(faultsOf({ ...keys, ...webhook, ...smtp })).toEqual([
      "BROADTAPE_NOTIFY_SMTP_URL: is set beside BROADTAPE_NOTIFY_WEBHOOK_URL; give one of them",
    ]);
  });

  it("takes a mail server, a sender and a rule for receivers that leave no doubt", () => {
    const smtp = { ...keys, BROADTAPE_NOTIFY_SMTP_URL: "smtp://mail:25", BROADTAPE_NOTIFY_FROM: "Fraud desk <a@b.example>" };
    expect(readConfig({ ...smtp, BROADTAPE_NOTIFY_TO: "{userId}@{tenant}.example" }).notify).toMatchObject({
      from: { name: "Fraud desk", address: "a@b.example" },
      to: "{userId}@{tenant}.example",
    });
    const bad = {
      BROADTAPE_NOTIFY_SMTP_URL: ["https://mail", "smtp:mail", "smtp://", "smtp://user@mail", "smtp://mail/?pool=true", "smtp://mail/x"],
      BROADTAPE_NOTIFY_FROM: ["desk", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example", "a@b@c", "<a@b.example", '"a b"@c'],
      BROADTAPE_NOTIFY_TO: ["{userid}@bank.example", "bank.example", "{userId}{tenant}", "{userId}@bank.example,x@y.example", "a @b"],
    };
    for (const [variable, values] of Object.entries(bad)) {
      for (const value of values) {
        const faults = faultsOf({ ...smtp, [variable]: value });
        expect(faults, value).toHaveLength(1);
        expect(faults[0]).toMatch(new RegExp(`^${variable}: must be `));
      }
    }
  });

  it("puts no secret into a fault", () => {
    const secrets = { BROADTAPE_JWT_SECRET: "tiny-secret", BROADTAPE_NOTIFY_SMTP_URL: "hunter2", BROADTAPE_DATABASE_URL: "hunter3" };
    expect(faultsOf(secrets).join("\n")).not.toMatch(/tiny-secret|hunter/);
  });
});

describe("describeConfig", () => {
  it("says what is set by what, and hides secrets", () => {
    const described = new Map(describeConfig({ ...keys, PORT: "4000" }, { host: "::1" }).map((each) => [each.variable, each]));
    expect(described.get("PORT")).toEqual({ variable: "PORT", value: "4000", from: "PORT" });
    expect(described.get("HOST")).toEqual({ variable: "HOST", value: "::1", from: "--host" });
    expect(described.get("BROADTAPE_JWT_SECRET")?.value).toBe("(hidden)");
    expect(described.get("LOG_LEVEL")).toEqual({ variable: "LOG_LEVEL", value: "info", from: "default" });
  });
});
