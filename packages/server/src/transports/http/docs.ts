/** `/docs`: the API's document as a page to read and to try. Everything comes from here. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** Of Swagger UI's files, those that the page needs. */
const FILES: ReadonlySet<string> = new Set(["/swagger-ui-bundle.js", "/swagger-ui.css", "/favicon-32x32.png"]);

// Addresses are relative, so that the page works behind a proxy that puts a path before it.
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Broadtape API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

// Without `validatorUrl` the document would be shown to a server on the Internet.
const START = `SwaggerUIBundle({
  url: "api/v1/openapi.json",
  domNode: document.getElementById("docs"),
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
});
`;

export async function serveDocs(app: FastifyInstance): Promise<void> {
  app.get("/docs", (_request, reply) => reply.type("text/html; charset=utf-8").send(PAGE));
  app.get("/docs/start.js", (_request, reply) => reply.type("text/javascript; charset=utf-8").send(START));
  await app.register(fastifyStatic, {
    root: dirname(fileURLToPath(import.meta.resolve("@fastify/swagger-ui/static/swagger-ui.css"))),
    prefix: "/docs/",
    decorateReply: false,
    index: false,
    allowedPath: (path) => FILES.has(path),
  });
}
