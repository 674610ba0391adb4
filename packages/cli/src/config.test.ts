import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LIMITS } from "@broadtape/server/config/limits";
import { allSettings } from "@broadtape/server/config/settings";
import { runCommand } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-cli-config-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const env = { BROADTAPE_JWT_SECRET: "0123456789abcdef0123456789abcdef", BROADTAPE_DATA_DIR: directory, PORT: "0" };

describe("broadtape config print", () => {
  it("prints every setting and where it comes from, but no secret", async () => {
    const { code, stdout } = await runCommand(["config", "print", "--port", "4000"], { env });
    expect(code).toBe(0);
    expect(stdout.split("\n").filter((line) => line !== "")).toHaveLength(allSettings.length);
    expect(stdout).toContain("PORT=4000 # --port\n");
    expect(stdout).toContain("BROADTAPE_JWT_SECRET=(hidden) # BROADTAPE_JWT_SECRET\n");
    expect(stdout).not.toContain(env.BROADTAPE_JWT_SECRET);
  });

  it("prints JSON", async () => {
    const { stdout } = await runCommand(["config", "print", "--json"], { env });
    expect(JSON.parse(stdout)).toContainEqual({ variable: "PORT", value: "0", from: "PORT" });
  });

  it("prints what there is and then what is wrong with it", async () => {
    const { code, stdout, stderr } = await runCommand(["config", "print"], { env: { ...env, PORT: "x", BROADTAPE_SYMBOL: "A" } });
    expect(code).toBe(1);
    expect(stdout).toContain("PORT=x");
    expect(stderr).toContain("BROADTAPE_SYMBOL: is not a setting; the nearest is BROADTAPE_SYMBOLS");
  });
});

describe("broadtape serve --help", () => {
  it("lists every variable, flag and default, limits included", async () => {
    const { code, stdout } = await runCommand(["serve", "--help"], { env });
    expect(code).toBe(0);
    const text = stdout.replace(/\s+/g, " ");
    for (const setting of allSettings) {
      expect(text).toContain(`--${setting.flag} `);
      expect(text).toContain(`(${setting.variable}; default: ${setting.defaultNote ?? setting.default ?? "none"})`);
    }
    expect(text).toContain("(BROADTAPE_LIMIT_RING_BYTES; default: 64 MiB)");
    expect(LIMITS.every(({ name }) => text.includes(`BROADTAPE_LIMIT_${name};`))).toBe(true);
  });
});

describe("broadtape doctor", () => {
  it("says in one line each that all is well", async () => {
    const { code, stdout } = await runCommand(["doctor"], { env });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/).slice(0, 2).join(" ")),
    ).toEqual(["ok node", "ok config", "ok data", "ok keys", "ok port"]);
    expect(code).toBe(0);
  });

  it("finds a port in use, a data directory that is a file and keys that are none", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const file = join(directory, "file");
    writeFileSync(file, "");
    const args = ["doctor", "--port", String((server.address() as AddressInfo).port), "--data-dir", file];
    const { code, stdout } = await runCommand(args, { env: { BROADTAPE_JWKS: "http://127.0.0.1:1/keys" } });
    server.close();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail data /m);
    expect(stdout).toMatch(/^fail keys .*127\.0\.0\.1:1/m);
    expect(stdout).toMatch(/^fail port .*EADDRINUSE/m);
  });

  it("lists what is wrong with the configuration", async () => {
    const { code, stdout } = await runCommand(["doctor"], { env: { PORT: "x" } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail config +PORT: /m);
    expect(stdout).toMatch(/^fail config +BROADTAPE_JWT_SECRET: is required/m);
  });
});

describe("broadtape", () => {
  it("knows its version and refuses commands that it does not know", async () => {
    expect((await runCommand(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { code, stderr } = await runCommand(["sevre"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/sevre|too many arguments/);
  });
});
