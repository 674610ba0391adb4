/** The layers of the house: who may import whom. `npm run check` fails on a wrong import. */
const server = "^packages/server/src/";
const protocol = "^packages/protocol/src/";
const ports = `${server}(log|wire|registry|cluster)/[^/]+[.]ts$`;
/** The composition root and what it exports. */
const roots = `${server}(compose|compose-[a-z-]+|index|config)[.]ts$|^packages/cli/`;

/** Files under `from` may import, of ours, only themselves and what matches `to`. */
const only = (name, from, to, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from, pathNot: "[.]test[.]tsx?$|contract-tests[.]ts$" },
  to: { path: "^(packages|apps|bench)/", pathNot: [from, ...to] },
});

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      comment: "what imports each other is one thing",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    only("protocol-imports-nothing", protocol, [], "the words both sides speak stand alone"),
    only("ports-import-protocol", ports, [protocol], "a port is defined by what it promises"),
    only("engine-imports-ports", `${server}engine/`, [ports, protocol], "the engine knows no product and no transport"),
    only("products-import-engine", `${server}products/`, [`${server}engine/`, protocol], "a product is a declaration"),
    only("native-imports-engine", `${server}native/`, [`${server}engine/`, protocol], "the native protocol is a surface of the engine"),
    only(
      "transports-import-engine",
      `${server}transports/`,
      [`${server}(engine|native)/`, protocol, `${server}nats/`],
      "a transport knows bytes and connections",
    ),
    only(
      "adapters-import-ports",
      `${server}(log|wire|registry|cluster)/[^/]+/`,
      [ports, protocol, `${server}(postgres|nats)/`],
      "adapters implement ports",
    ),
    only(
      "intake-imports-engine",
      `${server}intake/[^/]+[.]ts$`,
      [`${server}engine/`, ports, protocol],
      "the intake publishes as everybody does",
    ),
    only(
      "intake-adapters-import-the-intake",
      `${server}intake/[^/]+/`,
      [`${server}intake/[^/]+[.]ts$`, `${server}postgres/`, ports, protocol],
      "adapters implement ports",
    ),
    only("postgres-imports-nothing", `${server}postgres/`, [], "what adapters over PostgreSQL share"),
    only("nats-imports-nothing", `${server}nats/`, [], "what the wire and a transport over NATS share"),
    only("access-imports-ports", `${server}access/`, [ports, `${server}engine/`, protocol], "access knows no transport and no product"),
    only(
      "operations-import-engine",
      `${server}operations/`,
      [ports, `${server}engine/`, `${server}intake/[^/]+[.]ts$`, protocol],
      "operations watch the engine",
    ),
    only(
      "config-imports-nothing",
      `${server}config/`,
      [`${server}(access|engine)/`, protocol, `${server}config[.]ts$`],
      "configuration is plain data",
    ),
    only("client-imports-protocol", "^packages/client/", [protocol], "the SDK runs anywhere"),
    only("react-imports-client", "^packages/react/", ["^packages/client/", protocol], "hooks are thin"),
    only(
      "apps-import-public-packages",
      "^apps/",
      ["^packages/(client|react|protocol)/"],
      "apps talk to the server over its public API only",
    ),
    {
      name: "adapters-are-named-in-the-root-alone",
      severity: "error",
      from: { path: server, pathNot: `${roots}|${server}(log|wire|registry|cluster|intake|postgres)/|[.]test[.]ts$` },
      to: { path: `${server}((log|wire|registry|cluster|intake)/[^/]+|postgres)/` },
    },
    {
      name: "browser-code-has-no-node",
      severity: "error",
      comment: "protocol, client and react run in browsers",
      from: { path: "^packages/(protocol|client|react)/src/", pathNot: "[.]test[.]tsx?$" },
      to: { dependencyTypes: ["core"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|node_modules)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { conditionNames: ["@broadtape/source", "import", "node", "default"], exportsFields: ["exports"] },
  },
};
