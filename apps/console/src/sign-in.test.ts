import { afterEach, describe, expect, it, vi } from "vitest";
import { signInAsDemoUser } from "./sign-in.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** The server's answers one after the other; undefined: it is away. */
function stubServer(...answers: readonly (object | undefined)[]) {
  let asked = 0;
  vi.stubGlobal("fetch", async () => {
    const answer = answers[asked++];
    if (answer === undefined) throw new TypeError("fetch failed");
    return "status" in answer ? new Response("{}", { status: 404 }) : Response.json(answer);
  });
  return { asked: () => asked };
}

const answer = (token: string) => ({ token, userId: "ann", tenantId: "demo", name: "Ann" });
const tokenOf = async () => {
  const account = await signInAsDemoUser();
  if (account === undefined || typeof account.token === "string") throw new Error("a function was expected");
  return account.token;
};

describe("signing in as a demo user", () => {
  it("is not possible where the server is not in demo mode, or away, or says something else", async () => {
    for (const each of [{ status: 404 }, undefined, {}, { token: 1, userId: "ann", tenantId: "demo" }]) {
      stubServer(each);
      expect(await signInAsDemoUser()).toBeUndefined();
    }
  });

  it("tells who it is", async () => {
    stubServer(answer("t1"));
    expect(await signInAsDemoUser()).toMatchObject({ userId: "ann", tenantId: "demo", name: "Ann" });
  });

  it("uses the first token once, then fetches a fresh one for every connection", async () => {
    const server = stubServer(answer("t1"), answer("t2"), answer("t3"));
    const token = await tokenOf();
    expect([await token(), server.asked()]).toEqual(["t1", 1]);
    expect([await token(), await token()]).toEqual(["t2", "t3"]);
  });

  it("tries the old token while the server gives no fresh one", async () => {
    stubServer(answer("t1"), undefined, answer("t3"));
    const token = await tokenOf();
    expect([await token(), await token(), await token()]).toEqual(["t1", "t1", "t3"]);
  });
});
