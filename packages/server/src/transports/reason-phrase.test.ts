import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "@broadtape/protocol/errors";
import { httpError, statusOf } from "./reason-phrase.ts";

describe("a refusal over HTTP", () => {
  it("says the reason phrase, the message and the status", () => {
    expect(httpError(413, "too large")).toEqual({ error: "Payload Too Large", message: "too large", statusCode: 413 });
    const errors = [{ index: 0, path: "data", message: "is required" }];
    expect(httpError(422, "bad", { errors })).toEqual({ error: "Unprocessable Entity", message: "bad", statusCode: 422, errors });
    expect(httpError(799, "odd").error).toBe("Error");
  });

  it("has a status of its own class for every code: who are you, may not, wrong, too much, not now", () => {
    const byStatus = Object.groupBy(ERROR_CODES, statusOf);
    expect(byStatus).toEqual({
      400: ["BAD_REQUEST"],
      401: ["UNAUTHORIZED", "AUTH_FAILED", "TOKEN_EXPIRED"],
      403: ["FORBIDDEN"],
      409: ["REPLACED"],
      429: ["RATE_LIMITED", "LIMIT_REACHED"],
      503: ["SLOW_CONSUMER", "SHUTTING_DOWN"],
    });
  });
});
