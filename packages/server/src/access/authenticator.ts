/** Tells who a request is from (contract 00-common "Identity"). */
import { Refusal } from "@broadtape/protocol/errors";
import type { Identity } from "@broadtape/protocol/identity";
import { type Credential, type CredentialRequest, findCredential, type OriginRules } from "./credentials.ts";
import type { CookieSessions } from "./sessions.ts";
import type { TokenVerifier } from "./tokens.ts";

export class Authenticator {
  readonly #tokens: TokenVerifier;
  readonly #sessions: CookieSessions;
  readonly #origins: OriginRules;

  constructor(tokens: TokenVerifier, sessions: CookieSessions, origins: OriginRules) {
    this.#tokens = tokens;
    this.#sessions = sessions;
    this.#origins = origins;
  }

  /**
   * Rejects with a Refusal: UNAUTHORIZED where no credential stands, AUTH_FAILED where a bad one does.
   *
   * Whoever hears of ended sessions (`CookieSessions.onEnd`) must have taken up the identity in the turn in which this
   * resolves: a session that ends in between is told in the next one.
   */
  async authenticate(request: CredentialRequest): Promise<Identity> {
    const credential = findCredential(request, this.#origins);
    if (credential === undefined) throw new Refusal("UNAUTHORIZED", "No valid session found");
    return this.#check(credential);
  }

  /** A token that was sent as a message: `authenticate`, `reauthenticate`. */
  async verify(token: string): Promise<Identity> {
    return this.#tokens.verify(token);
  }

  async #check(credential: Credential): Promise<Identity> {
    switch (credential.kind) {
      case "token":
        return this.#tokens.verify(credential.token);
      case "malformed":
        throw new Refusal("AUTH_FAILED", credential.message);
      case "session": {
        const identity = await this.#sessions.find(credential.id);
        if (identity === undefined) throw new Refusal("AUTH_FAILED", "No valid session found");
        return identity;
      }
    }
  }
}
