/** What a client keeps here of its own: subscriptions, connections, the cookie session. */
import type { Operations } from "./operation.ts";
import { body, empty, json, path, query, refusals } from "./schemas.ts";

const ID = path("id", "As it was told when it was made.");

const subscriptions: Operations = {
  "GET /api/v1/subscriptions": {
    tags: ["Subscriptions"],
    summary: "One's own subscriptions, newest first",
    responses: { 200: json("SubscriptionList", "All of them."), ...refusals(401, 503) },
  },
  "POST /api/v1/subscriptions": {
    tags: ["Subscriptions"],
    summary: "Say what a client of one's own is to follow of the money feed",
    description:
      "`clientId` is made up when absent. A client that has a subscription is given this one in its place, under the same id, and is told so " +
      "at once where it is connected.",
    requestBody: body("SubscriptionCreation", {
      clientId: "phone-1",
      events: ["transaction", "balance"],
      filters: { minAmount: "50000.00", currency: ["NGN"] },
    }),
    responses: {
      200: json("Subscription", "It stands in the place of the one that the client had."),
      201: json("Subscription", "It was made.", { Location: { description: "Its path.", schema: { type: "string" } } }),
      ...refusals(400, 401, 413, 415, 429, 503),
    },
  },
  "GET /api/v1/subscriptions/:id": {
    tags: ["Subscriptions"],
    summary: "One subscription",
    parameters: [ID],
    responses: { 200: json("Subscription", "As it stands."), ...refusals(401, 404, 503) },
  },
  "PATCH /api/v1/subscriptions/:id": {
    tags: ["Subscriptions"],
    summary: "Change events or filters, or both",
    description: "What is left out stays; `filters: null` ends all filters. The live connection is told `subscribed` at once.",
    parameters: [ID],
    requestBody: body("SubscriptionChange", { filters: { status: "FAILED" } }),
    responses: { 200: json("Subscription", "As it stands now."), ...refusals(400, 401, 404, 413, 415, 503) },
  },
  "DELETE /api/v1/subscriptions/:id": {
    tags: ["Subscriptions"],
    summary: "Forget a subscription, and what is pending in it",
    description: "A live connection of the client goes on and follows nothing.",
    parameters: [ID],
    responses: { 204: empty("It is forgotten."), ...refusals(401, 404, 503) },
  },
};

const connections: Operations = {
  "GET /api/v1/connections": {
    tags: ["Connections"],
    summary: "One's own live connections; with `stream:admin` those of the tenant",
    parameters: [
      query("limit", "Connections of the page.", { type: "integer", minimum: 1, maximum: 1000, default: 1000 }),
      query("after", "`next` of the page before."),
      query("node", "With `stream:admin`: id or name of one node; without it, those of all."),
    ],
    responses: { 200: json("ConnectionList", "A page; `next` is null where there is no other."), ...refusals(400, 401, 503) },
  },
  "DELETE /api/v1/connections/:id": {
    tags: ["Connections"],
    summary: "End a connection, whichever node holds it",
    description: "It is told `error` with the code FORBIDDEN, and where the surface has the word, `closing`.",
    parameters: [ID],
    responses: { 204: empty("It was ended."), ...refusals(401, 404, 503) },
  },
};

const sessions: Operations = {
  "POST /api/session": {
    tags: ["Sessions"],
    summary: "Open a cookie session with a bearer token",
    security: [{ bearer: [] }],
    responses: {
      201: json("OpenedSession", "The cookie `session` vouches from now on.", {
        "Set-Cookie": { description: "HttpOnly, SameSite=Lax, and Secure over TLS.", schema: { type: "string" } },
      }),
      ...refusals(401, 503),
    },
  },
  "DELETE /api/session": {
    tags: ["Sessions"],
    summary: "End the cookie session and the streams that hang on it",
    security: [{ cookie: [] }],
    responses: { 204: empty("It was ended."), ...refusals(401, 503) },
  },
};

export const CLIENTS: Operations = { ...subscriptions, ...connections, ...sessions };
