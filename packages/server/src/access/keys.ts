/** Where the keys of tokens are, and the demo's secret, which the server makes for itself. */
import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Keys =
  /** HS256, at least 32 bytes. */
  | { readonly kind: "secret"; readonly secret: string }
  /** HS256 with a secret that is made when it is first needed, and kept in this file. */
  | { readonly kind: "kept"; readonly file: string }
  /** RS256, ES256 or EdDSA with the keys at this `http:`, `https:` or `file:` URL. */
  | { readonly kind: "jwks"; readonly location: string };

/** The file of the demo's secret. */
export function keptSecretFile(dataDirectory: string): string {
  return join(dataDirectory, "demo-secret");
}

/** The secret in this file, made on first use. Throws an Error naming the file when it holds none or cannot be written. */
export function keptSecret(file: string): string {
  return readKept(file) ?? makeKept(file);
}

function readKept(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  if (Buffer.byteLength(text) < 32) throw new Error(`${file} holds no secret of 32 bytes; delete it to have a new one made`);
  return text;
}

/** Linked into place, so that two processes that start at once use the same one and nobody reads half of it. */
function makeKept(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  const secret = randomBytes(32).toString("base64url");
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(temporary, `${secret}\n`, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(temporary, file);
    return secret;
  } catch (error) {
    const other = readKept(file);
    if (other === undefined) throw error;
    return other;
  } finally {
    unlinkSync(temporary);
  }
}
