import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createTokenVerifier } from "@broadtape/server/access/tokens";
import { runCommand } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "broadtape-cli-token-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const SECRET = "0123456789abcdef0123456789abcdef";
const env = { BROADTAPE_JWT_SECRET: SECRET };

describe("broadtape token", () => {
  it("prints a token of the configured secret that says who it is for", async () => {
    const args = [
      "token",
      "--sub",
      "ann",
      "--tenant",
      "acme",
      "--permissions",
      "events:publish, rfq:read:team",
      "--team",
      "bob,cid",
      "--name",
      "Ann",
      "--ttl",
      "90s",
    ];
    const before = Date.now();
    const { code, stdout } = await runCommand(args, { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\S+\n$/);
    const identity = await createTokenVerifier({ kind: "secret", secret: SECRET }).verify(stdout.trim());
    expect(identity).toMatchObject({ userId: "ann", tenant: "acme", name: "Ann" });
    expect([...identity.permissions]).toEqual(["events:publish", "rfq:read:team"]);
    expect([...identity.team]).toEqual(["bob", "cid"]);
    expect(identity.expiresAt - before).toBeGreaterThanOrEqual(90_000);
    expect(identity.expiresAt - before).toBeLessThan(95_000);
  });

  it("carries the issuer and audience that the server wants", async () => {
    const { stdout } = await runCommand(["token", "--sub", "ann", "--tenant", "acme"], {
      env: { ...env, BROADTAPE_JWT_ISSUER: "me", BROADTAPE_JWT_AUDIENCE: "desk" },
    });
    const verifier = createTokenVerifier({ kind: "secret", secret: SECRET }, { issuer: "me", audience: "desk" });
    expect((await verifier.verify(stdout.trim())).userId).toBe("ann");
  });

  it("uses the demo's kept secret where none is configured, before and after the first start", async () => {
    const args = ["token", "--sub", "ann", "--tenant", "acme", "--data-dir", directory];
    const [first, second] = [await runCommand(args), await runCommand(args)];
    const verifier = createTokenVerifier({ kind: "kept", file: join(directory, "demo-secret") });
    for (const { code, stdout } of [first, second]) {
      expect(code).toBe(0);
      expect((await verifier.verify(stdout.trim())).userId).toBe("ann");
    }
  });

  it("cannot sign for somebody else's key set, and says what to do", async () => {
    const { code, stdout, stderr } = await runCommand(["token", "--sub", "a", "--tenant", "b"], {
      env: { BROADTAPE_JWKS: "https://id.example.com/keys" },
    });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("BROADTAPE_JWKS");
  });

  it.each([
    [["--tenant", "t"], "--sub"],
    [["--sub", "s"], "--tenant"],
    [["--sub", "s", "--tenant", "t", "--ttl", "soon"], "--ttl"],
    [["--sub", "s", "--tenant", "t", "--colour"], "--colour"],
  ])("names what is wrong with %j", async (args, named) => {
    const { code, stdout, stderr } = await runCommand(["token", ...args], { env });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(named);
  });

  it("lists every fault of the configuration, one line each", async () => {
    const { code, stderr } = await runCommand(["token", "--sub", "s", "--tenant", "t"], {
      env: { BROADTAPE_JWT_SECRET: "short", PORT: "x" },
    });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringContaining("BROADTAPE_JWT_SECRET: must be at least 32 bytes"),
      expect.stringContaining("PORT: must be a port"),
    ]);
    expect(stderr).not.toContain("short");
  });
});
