/** What is told of the process itself, to anybody: probes, figures, and this document. */
import type { Operation, Operations } from "./operation.ts";
import { json, refusals, text } from "./schemas.ts";

const health: Operation = {
  tags: ["Operations"],
  summary: "The process is alive",
  security: [],
  responses: { 200: json("Health", "It is.") },
};

export const PROCESS: Operations = {
  "GET /healthz": health,
  "GET /livez": health,
  "GET /readyz": {
    tags: ["Operations"],
    summary: "The log is open and the views are caught up",
    security: [],
    responses: { 200: json("Health", "They are."), ...refusals(503) },
  },
  "GET /metrics": {
    tags: ["Operations"],
    summary: "Figures for Prometheus",
    security: [],
    responses: { 200: text("text/plain", "Prometheus' text format.") },
  },
  "GET /api/v1/openapi.json": {
    tags: ["Operations"],
    summary: "This document",
    security: [],
    responses: { 200: { description: "OpenAPI 3.1.", content: { "application/json": { schema: { type: "object" } } } } },
  },
};
