/** What `deploy/` names is what the server has: metrics, settings, times. Images themselves are not built here. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { newClusterMeter } from "../packages/server/src/cluster/meter.ts";
import { defaultLimits } from "../packages/server/src/config/limits.ts";
import { allSettings } from "../packages/server/src/config/settings.ts";
import { unknownVariables } from "../packages/server/src/config/sources.ts";
import { newIntakeMeter } from "../packages/server/src/intake/intake.ts";
import { createMetrics, type Metrics } from "../packages/server/src/operations/metrics.ts";
import { noWire } from "../packages/server/src/wire/none.ts";
import { Rig } from "../packages/server/testing/rig.ts";
import { parseYaml, STOP_SECONDS, textOf } from "./deploy-files.ts";

const root = join(import.meta.dirname, "..");

describe("the dashboard and the alerts", () => {
  const target = z.looseObject({ expr: z.string() });
  const panel = z.looseObject({ id: z.number(), targets: z.array(target).default([]) });
  const dashboard = z.looseObject({ panels: z.array(panel) }).parse(JSON.parse(textOf("deploy/grafana/broadtape.json")));
  const rule = z.looseObject({ alert: z.string(), expr: z.string(), annotations: z.looseObject({ summary: z.string() }) });
  const { groups } = z
    .looseObject({ groups: z.array(z.looseObject({ rules: z.array(rule) })) })
    .parse(parseYaml(textOf("deploy/prometheus/alerts.yaml")));
  const rules = groups.flatMap((group) => group.rules);
  const queries = [...dashboard.panels.flatMap(({ targets }) => targets), ...rules].map(({ expr }) => expr);

  let metrics: Metrics;
  let text: string;
  beforeAll(async () => {
    metrics = createMetrics();
    const rig = await Rig.start({ meter: metrics.meter });
    metrics.observe(rig.engine);
    metrics.observeBook({ lost: 0, waiting: 0 });
    metrics.observeIntake(newIntakeMeter());
    metrics.observeNode({ cluster: rig.engine.cluster, wire: { ...noWire(), status: "connected" }, database: { isAway: false } });
    metrics.observeCluster({ meter: newClusterMeter(), isAway: false, seatsWaiting: 0, clockOffsetMs: () => 0 });
    metrics.observeNatsPublishing({ meter: { answered: new Map(), unanswerable: 0, waitingBytes: 0 }, isConnected: () => true });
    metrics.observeNotices(
      () => [],
      () => 0,
    );
    text = await metrics.text();
  });
  afterAll(() => {
    metrics.close();
  });

  it("ask for metrics that the server has", () => {
    const kinds = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = "", kind = ""]) => [name, kind]));
    const samples = [...kinds].flatMap(([name, kind]) =>
      kind === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : name,
    );
    const asked = new Set(queries.flatMap((query) => query.match(/\b(?:broadtape|process|nodejs)_\w+/g) ?? []));
    expect(asked.size).toBeGreaterThan(30);
    expect([...asked].filter((name) => !samples.includes(name))).toEqual([]);
  });

  it("show or watch each metric of the server's own", () => {
    const own = [...text.matchAll(/^# TYPE (broadtape_\w+)/gm)].map(([, name = ""]) => name);
    expect(own.filter((name) => !queries.some((query) => query.includes(name)))).toEqual([]);
  });

  it("have a name of its own for each panel and each alert", () => {
    const panels = dashboard.panels.map(({ id }) => id);
    expect([...new Set(panels)]).toEqual(panels);
    const alerts = rules.map(({ alert }) => alert);
    expect([...new Set(alerts)]).toEqual(alerts);
  });

  it("warn at four fifths of the limits that they name", () => {
    for (const [alert, limit] of [
      ["BroadtapeConnectionsNearLimit", defaultLimits.connections],
      ["BroadtapeEntitiesNearLimit", defaultLimits.entities],
    ] as const)
      expect(rules.find((each) => each.alert === alert)?.expr).toContain(` > ${limit * 0.8}`);
  });
});

it("names no setting that the server does not know", () => {
  const known = new Set(allSettings.flatMap(({ variable, isSecret }) => (isSecret ? [variable, `${variable}_FILE`] : [variable])));
  const files = globSync("deploy/**/*.*", { cwd: root }).concat("deploy/Dockerfile");
  const named = files.flatMap((file) =>
    (textOf(file).match(/\bBROADTAPE_[A-Z][A-Z_]*[A-Z]\b/g) ?? []).map((variable) => ({ file, variable })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ variable }) => !known.has(variable))).toEqual([]);
});

describe("the image", () => {
  const dockerfile = textOf("deploy/Dockerfile");

  it("has the Node that the project pins", () => {
    expect(dockerfile).toContain(`ARG NODE_VERSION=${textOf(".node-version").trim()}\n`);
  });

  it("knows each workspace, without which `npm ci` refuses the lock", () => {
    const workspaces = globSync(["packages/*/package.json", "apps/*/package.json", "bench/package.json"], { cwd: root });
    for (const manifest of workspaces) expect(dockerfile).toContain(`COPY ${manifest} ${manifest.replace("package.json", "")}\n`);
  });

  it("holds what the command line depends on", () => {
    const dependenciesOf = (name: string): string[] => {
      const manifest: unknown = JSON.parse(textOf(`packages/${name}/package.json`));
      const { dependencies } = z.looseObject({ dependencies: z.record(z.string(), z.string()) }).parse(manifest);
      const ours = Object.keys(dependencies).flatMap((each) => (each.startsWith("@broadtape/") ? each.slice("@broadtape/".length) : []));
      return [name, ...ours.flatMap(dependenciesOf)];
    };
    for (const name of dependenciesOf("cli")) expect(dockerfile).toContain(`/app/packages/${name}/dist packages/${name}/dist\n`);
  });

  it("runs as nobody special, without the optional pinned Node", () => {
    expect(dockerfile).toContain("\nUSER 1000:1000\n");
    expect(dockerfile).toContain("npm ci --omit=dev --omit=optional");
  });
});

describe("the compose files", () => {
  const service = z.looseObject({
    environment: z.record(z.string(), z.string()),
    secrets: z.array(z.string()),
    stop_grace_period: z.string().optional(),
  });
  const files = ["deploy/compose.yaml", "deploy/compose.postgresql.yaml"].map((file) =>
    z
      .looseObject({ services: z.looseObject({ broadtape: service }), secrets: z.record(z.string(), z.object({ file: z.string() })) })
      .parse(parseYaml(textOf(file))),
  );

  it("set what the server knows, and have the secrets that they name", () => {
    const secrets = Object.keys(Object.assign({}, ...files.map((file) => file.secrets)));
    for (const { services } of files) {
      expect(unknownVariables(services.broadtape.environment)).toEqual([]);
      for (const secret of services.broadtape.secrets) expect(secrets).toContain(secret);
      for (const [variable, value] of Object.entries(services.broadtape.environment))
        if (variable.endsWith("_FILE")) expect(services.broadtape.secrets).toContain(value.replace("/run/secrets/", ""));
    }
  });

  it("have three nodes with names of their own, those that nginx knows, and nobody else where NATS is", () => {
    const cluster = z
      .looseObject({
        services: z.record(z.string(), z.looseObject({ networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]) })),
      })
      .parse(parseYaml(textOf("deploy/compose.nodes.yaml")));
    const nodes = Object.entries(cluster.services).filter(([name]) => name.startsWith("broadtape-"));
    const site = textOf("deploy/nginx/broadtape.conf");
    expect(nodes).toHaveLength(3);
    for (const [name, node] of nodes) {
      const { environment, secrets, stop_grace_period: grace } = service.parse(node);
      expect(unknownVariables(environment)).toEqual([]);
      expect(secrets).toEqual(["jwt", "database-url"]);
      expect(Number.parseInt(grace ?? "")).toBeGreaterThan(STOP_SECONDS);
      expect(environment).toMatchObject({ BROADTAPE_NODE: name, BROADTAPE_NATS_URL: "nats://nats:4222" });
      expect(site).toContain(`upstream ${name} { server ${name}:3000 `);
    }
    const inside = Object.entries(cluster.services).flatMap(([name, { networks }]) =>
      (Array.isArray(networks) ? networks : Object.keys(networks)).includes("inside") ? name : [],
    );
    expect(inside.sort()).toEqual(["broadtape-1", "broadtape-2", "broadtape-3", "nats", "postgres"]);
  });

  it("leave the server its time to stop", () => {
    expect(Number.parseInt(files[0]?.services.broadtape.stop_grace_period ?? "")).toBeGreaterThan(STOP_SECONDS);
  });
});
