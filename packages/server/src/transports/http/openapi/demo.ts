/** Served in demo mode alone. */
import type { Operations } from "./operation.ts";
import { type Json, json, path, ref, refusals } from "./schemas.ts";

const RFQ = path("id", "As it was told when it was made.");
const DESK_ANSWERS: Json = {
  default: { description: "As the dealing desk says it.", content: { "application/json": { schema: { type: "object" } } } },
  ...refusals(401, 413, 502, 503),
};
const DESK_BODY: Json = { content: { "application/json": { schema: { type: "object" } } } };

export const DEMO: Operations = {
  "GET /api/demo/users": {
    tags: ["Demo"],
    summary: "Who may sign in without a password",
    security: [],
    responses: { 200: json("DemoUsers", "All of them.") },
  },
  "POST /api/demo/session": {
    tags: ["Demo"],
    summary: "A token of a demo user",
    security: [],
    requestBody: { content: { "application/json": { schema: ref("DemoSignIn") } } },
    responses: { 200: json("DemoSession", "The token."), ...refusals(400, 413, 415) },
  },
  "POST /api/demo/cut": {
    tags: ["Demo"],
    summary: "Break the user's own connections",
    description: "Their sockets end without a word, as if the network had failed. Clients come back by themselves and resume.",
    responses: { 200: json("DemoCut", "They are broken."), ...refusals(401) },
  },
  "POST /api/demo/rfqs": {
    tags: ["Demo"],
    summary: "Ask the demo's dealing desk for prices",
    requestBody: DESK_BODY,
    responses: DESK_ANSWERS,
  },
  "POST /api/demo/rfqs/:id/accept": {
    tags: ["Demo"],
    summary: "Take a quote",
    parameters: [RFQ],
    requestBody: DESK_BODY,
    responses: DESK_ANSWERS,
  },
  "POST /api/demo/rfqs/:id/cancel": { tags: ["Demo"], summary: "Cancel an RFQ", parameters: [RFQ], responses: DESK_ANSWERS },
};
