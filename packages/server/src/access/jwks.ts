/** A JSON Web Key Set from a URL or a file; jose caches it, reloads it and finds the key. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import { z } from "zod";

/** A set is asked for anew at most this often because of a key that it does not have. */
const COOLDOWN_MS = 30_000;
const MAX_BYTES = 1024 * 1024;

/** RFC 8725 3.1: the only algorithms of the keys that a set may hold. One per kind of key, so a token has no choice. */
export const JWKS_ALGORITHMS = ["RS256", "ES256", "EdDSA"];

const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });

/** Throws an Error saying why this text is no key set that we take. A symmetric key among published ones is no secret. */
export function checkJwks(text: string): void {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error("is not JSON");
  }
  const checked = keySet.safeParse(json);
  if (!checked.success) throw new Error("is not a JSON Web Key Set with at least one key");
  if (checked.data.keys.some((key) => key.kty === "oct")) throw new Error("holds a symmetric key; a key set holds public keys only");
}

/** @param location an `http:`, `https:` or `file:` URL */
export function openJwks(location: string, cooldownMs = COOLDOWN_MS): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(location), { cooldownDuration: cooldownMs, [customFetch]: load });
}

async function load(url: string, options: RequestInit): Promise<Response> {
  const response = url.startsWith("file:") ? new Response(await readFile(fileURLToPath(url))) : await fetch(url, options);
  const text = await response.text();
  if (text.length > MAX_BYTES) throw new Error("the key set is larger than 1 MiB");
  if (response.status === 200) checkJwks(text);
  return new Response(text, { status: response.status });
}
