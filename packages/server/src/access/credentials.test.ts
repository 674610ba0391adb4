import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCredential, mayUseCookies, type OriginRules, sessionIdOf } from "./credentials.ts";

const rules: OriginRules = { corsOrigins: ["https://desk.example.com"], trustProxy: [] };
const SESSION = "s".repeat(43);
const everywhere = { authToken: "a", headers: { authorization: "Bearer b", cookie: "session=c" }, queryToken: "d" };

describe("findCredential", () => {
  it("looks in the contract's order", () => {
    expect(findCredential(everywhere, rules)).toEqual({ kind: "token", token: "a" });
    expect(findCredential({ ...everywhere, authToken: undefined }, rules)).toEqual({ kind: "token", token: "b" });
    expect(findCredential({ headers: { cookie: `session=${SESSION}` }, queryToken: "d" }, rules)).toEqual({ kind: "session", id: SESSION });
    expect(findCredential({ headers: {}, queryToken: "d" }, rules)).toEqual({ kind: "token", token: "d" });
    expect(findCredential({ headers: {} }, rules)).toBeUndefined();
  });

  it("stops at what stands where a token should and is none", () => {
    for (const authToken of [7, {}, ["a"], true]) expect(findCredential({ ...everywhere, authToken }, rules)?.kind).toBe("malformed");
  });

  it("takes empty values for none", () => {
    expect(
      findCredential({ authToken: "", headers: { authorization: "Bearer ", cookie: "session=" }, queryToken: "" }, rules),
    ).toBeUndefined();
  });

  it("leaves other schemes of the Authorization header to others", () => {
    expect(findCredential({ headers: { authorization: "Basic dTpw", cookie: "session=c" } }, rules)).toEqual({ kind: "session", id: "c" });
  });

  it("reads the scheme in any case", () => {
    expect(findCredential({ headers: { authorization: "bearer  b" } }, rules)).toEqual({ kind: "token", token: "b" });
  });

  it("finds the session among other cookies, the first one of its name", () => {
    const cookie = 'a=1; xsession=no; session=c; session=second; b="x=y"';
    expect(sessionIdOf({ cookie }, rules)).toBe("c");
  });

  it("lets a cookie that another application of the host calls so hide neither a session nor a token", () => {
    const cookie = "session=eyJ1c2VyIjoxfQ.Zx.sig";
    expect(findCredential({ headers: { cookie }, queryToken: "d" }, rules)).toEqual({ kind: "token", token: "d" });
    expect(findCredential({ headers: { cookie: `${cookie}; session=${SESSION}` } }, rules)).toEqual({ kind: "session", id: SESSION });
    expect(findCredential({ headers: { cookie } }, rules)?.kind).toBe("session");
  });

  it("answers any input at all", () => {
    const text = fc.option(fc.string({ unit: "binary" }), { nil: undefined });
    const headers = fc.record({ authorization: text, cookie: text, origin: text, host: text, "x-forwarded-host": text });
    fc.assert(
      fc.property(fc.anything(), headers, text, fc.constantFrom([], ["loopback"]), (authToken, each, queryToken, trustProxy) => {
        findCredential({ authToken, headers: each, queryToken }, { ...rules, trustProxy });
      }),
    );
  });
});

describe("cookies", () => {
  it.each([
    ["no origin", { host: "tape.example.com" }, true],
    ["the own origin", { origin: "https://tape.example.com", host: "tape.example.com" }, true],
    ["the own origin on a port", { origin: "http://localhost:3000", host: "localhost:3000" }, true],
    ["a port that is the scheme's", { origin: "https://tape.example.com", host: "tape.example.com:443" }, true],
    ["an origin of the configuration", { origin: "https://desk.example.com", host: "tape.example.com" }, true],
    ["another site", { origin: "https://evil.example.com", host: "tape.example.com" }, false],
    ["another port", { origin: "http://localhost:8080", host: "localhost:3000" }, false],
    ["a sandboxed page", { origin: "null", host: "tape.example.com" }, false],
    ["a host that is a URL's user", { origin: "https://evil.example.com", host: "tape@evil.example.com" }, false],
    ["no host", { origin: "https://tape.example.com" }, false],
  ])("%s", (_name, headers, counts) => {
    expect(mayUseCookies(headers, rules)).toBe(counts);
    expect(sessionIdOf({ ...headers, cookie: "session=c" }, rules)).toBe(counts ? "c" : undefined);
  });

  it("do not count with every origin allowed by *", () => {
    const all = { corsOrigins: ["*"], trustProxy: [] };
    expect(mayUseCookies({ origin: "https://evil.example.com", host: "tape.example.com" }, all)).toBe(false);
    expect(mayUseCookies({ origin: "*", host: "tape.example.com" }, all)).toBe(false);
  });

  it("count under the name that a trusted proxy was called by", () => {
    const headers = { origin: "https://tape.example.com", host: "10.0.0.7:3000", "x-forwarded-host": "tape.example.com" };
    expect(mayUseCookies(headers, { corsOrigins: [], trustProxy: ["10.0.0.0/8"] })).toBe(true);
    expect(mayUseCookies(headers, rules)).toBe(false);
  });

  it("fall through to the query where they do not count", () => {
    const headers = { origin: "https://evil.example.com", host: "tape.example.com", cookie: "session=c" };
    expect(findCredential({ headers, queryToken: "d" }, rules)).toEqual({ kind: "token", token: "d" });
  });
});
