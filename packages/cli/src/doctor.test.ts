/** `broadtape doctor` over what several nodes share. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsServer, startNats } from "../../../test/nats.ts";
import { newDatabase } from "../../../test/postgres-database.ts";
import { query } from "../../../test/postgres.ts";
import { runCommand } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-cli-doctor-"));
let nats: NatsServer;
let url: string;
beforeAll(async () => {
  [nats, url] = await Promise.all([startNats(["max_payload: 65536"]), newDatabase()]);
});
afterAll(async () => {
  await nats.remove();
  rmSync(directory, { recursive: true });
});

async function examine(database: string, wire = nats.url) {
  const { code, stdout } = await runCommand(["doctor"], {
    env: {
      BROADTAPE_JWT_SECRET: "0123456789abcdef0123456789abcdef",
      BROADTAPE_DATA_DIR: directory,
      PORT: "0",
      BROADTAPE_DATABASE_URL: database,
      BROADTAPE_NATS_URL: wire,
    },
  });
  const lineOf = (name: string) => stdout.split("\n").find((line) => new RegExp(`^(ok|fail) +${name} `).test(line));
  return { code, database: lineOf("database"), nats: lineOf("nats") };
}

describe("broadtape doctor, of several nodes", () => {
  it("tells what the database promises, and what NATS takes", async () => {
    const found = await examine(url);
    expect(found.code).toBe(0);
    expect(found.database).toMatch(
      /^ok {3}database PostgreSQL 1\d.*; empty: the first start makes the tables; synchronous_commit on; no synchronous standby/,
    );
    expect(found.nats).toMatch(/^ok {3}nats {5}nats-server 2\..*; messages up to 64 KiB/);
  });

  it("changes nothing in a database", async () => {
    await examine(url);
    expect(await query(url, "select to_regnamespace('broadtape')::text as found")).toEqual([{ found: null }]);
  });

  it("finds tables of another release", async () => {
    const other = await newDatabase();
    await query(other, "create schema broadtape; create table broadtape.heads (); create table broadtape.meta (key text, value text)");
    await query(other, "insert into broadtape.meta values ('format', '99')");
    const { code, database } = await examine(other);
    expect([code, database]).toEqual([1, expect.stringMatching(/^fail database its format is 99, this release reads \d+$/)]);
  });

  it("finds a user that may not make the tables", async () => {
    const other = new URL(await newDatabase());
    await query(other.href, "do $$ begin create role broadtape_doctor login; exception when duplicate_object then null; end $$");
    other.username = "broadtape_doctor";
    const { code, database } = await examine(other.href);
    expect([code, database]).toEqual([1, expect.stringContaining("user broadtape_doctor may not create schema broadtape")]);
  });

  it("finds what does not answer, and names no password", async () => {
    const { code, ...lines } = await examine("postgres://ann:secret@127.0.0.1:1/desk", "nats://ann:secret@127.0.0.1:1");
    expect(code).toBe(1);
    expect(lines.database).toMatch(/^fail database .*ECONNREFUSED/);
    expect(lines.nats).toMatch(/^fail nats /);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });
});
