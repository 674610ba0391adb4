/** The Helm chart, rendered without Helm: what it would install, and what it refuses. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defaultLimits } from "../packages/server/src/config/limits.ts";
import { settings } from "../packages/server/src/config/settings.ts";
import { unknownVariables } from "../packages/server/src/config/sources.ts";
import { parseYaml, STOP_SECONDS, textOf } from "./deploy-files.ts";
import { ChartRefusal, renderChart } from "./helm.ts";

const RELEASE = { Name: "desk", Namespace: "trading", Service: "Helm" };
const anything = z.looseObject({});

describe("the chart", () => {
  const folder = join(import.meta.dirname, "../deploy/helm/broadtape");
  const read = (file: string) => textOf(`deploy/helm/broadtape/${file}`);
  const defaults = anything.parse(parseYaml(read("values.yaml")));
  const schemaText: unknown = JSON.parse(read("values.schema.json"));
  const chart = z.looseObject({ name: z.string(), appVersion: z.string() }).parse(parseYaml(read("Chart.yaml")));
  const secret = (key: string) => ({ name: "broadtape", key });
  const alone = { BROADTAPE_JWT_SECRET: secret("jwt-secret") };
  const onDatabase = { ...alone, BROADTAPE_DATABASE_URL: secret("database-url") };
  const several = { ...onDatabase, BROADTAPE_NATS_URL: secret("nats-url") };

  const container = z.looseObject({
    env: z.array(z.looseObject({ name: z.string(), value: z.string().default("") })),
    lifecycle: z.object({ preStop: z.object({ exec: z.object({ command: z.array(z.string()) }) }) }),
    volumeMounts: z.array(z.looseObject({ name: z.string() })),
  });
  const pod = z.looseObject({
    terminationGracePeriodSeconds: z.number(),
    containers: z.tuple([container]),
    volumes: z.array(z.looseObject({ name: z.string() })),
  });
  const workload = z.looseObject({
    kind: z.string(),
    spec: z.looseObject({ template: z.looseObject({ metadata: anything, spec: pod }), volumeClaimTemplates: z.array(anything).optional() }),
  });

  /** Manifests by their kind. */
  function render(values: Readonly<Record<string, unknown>>) {
    const files = renderChart(folder, { ...defaults, ...values }, { Name: chart.name, AppVersion: chart.appVersion }, RELEASE);
    const manifests = [...files]
      .filter(([name, text]) => name.endsWith(".yaml") && text.trim() !== "")
      .map(([, text]) => z.looseObject({ kind: z.string() }).parse(parseYaml(text)));
    return new Map(manifests.map((manifest) => [manifest.kind, manifest]));
  }
  const podOf = (manifests: ReturnType<typeof render>) =>
    workload.parse(manifests.get("StatefulSet") ?? manifests.get("Deployment")).spec.template.spec;

  it("has values that its schema takes, and takes no other names", () => {
    const schema = z.fromJSONSchema(z.record(z.string(), z.json()).parse(schemaText));
    expect(schema.safeParse(defaults).error).toBeUndefined();
    expect(schema.safeParse({ ...defaults, secrets: several }).success).toBe(true);
    expect(schema.safeParse({ ...defaults, replica: 1 }).success).toBe(false);
    expect(schema.safeParse({ ...defaults, settings: { BROADTAPE_RETENTION: 7 } }).success).toBe(false);
    expect(schema.safeParse({ ...defaults, secrets: { BROADTAPE_RETENTION: secret("retention") } }).success).toBe(false);
  });

  it("takes as a secret what the server takes as one", () => {
    const { secrets } = z
      .looseObject({ properties: z.looseObject({ secrets: z.looseObject({ properties: anything }) }) })
      .parse(schemaText).properties;
    const expected = Object.values(settings).flatMap(({ variable, isSecret }) => (isSecret ? variable : []));
    expect(Object.keys(secrets.properties).sort()).toEqual(expected.sort());
  });

  it("uses each value, and none that is not there", () => {
    const templates = globSync("templates/*", { cwd: folder }).map(read).join("\n");
    const used = new Set([...templates.matchAll(/\.Values\.(\w+)(?:\.(\w+))?/g)].map(([, first = "", second]) => ({ first, second })));
    expect([...used].filter(({ first }) => !(first in defaults))).toEqual([]);
    for (const [name, value] of Object.entries(defaults)) {
      const isOpen = ["settings", "secrets", "resources", "podAnnotations", "nodeSelector", "affinity"].includes(name);
      const wanted = !isOpen && typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [undefined];
      for (const second of wanted)
        expect([name, second, [...used].some((each) => each.first === name && (second === undefined || each.second === second))]).toEqual([
          name,
          second,
          true,
        ]);
    }
  });

  it("runs one node with a volume of its own, or several over PostgreSQL without one, each named after its pod", () => {
    const embedded = render({ secrets: alone });
    expect([...embedded.keys()].sort()).toEqual(["NetworkPolicy", "PodDisruptionBudget", "Service", "StatefulSet"]);
    expect(workload.parse(embedded.get("StatefulSet")).spec.volumeClaimTemplates).toMatchObject([
      { metadata: { name: "data" }, spec: { resources: { requests: { storage: "20Gi" } } } },
    ]);
    const shared = render({ secrets: onDatabase });
    expect(shared.has("StatefulSet")).toBe(false);
    expect(shared.get("Deployment")).toMatchObject({
      spec: { replicas: 2, strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } } },
    });
    expect(podOf(shared)).toHaveProperty("topologySpreadConstraints");
    expect(embedded.get("StatefulSet")).toMatchObject({ spec: { replicas: 1 } });
    for (const manifests of [embedded, shared])
      expect(podOf(manifests).containers[0].env).toContainEqual(
        expect.objectContaining({ name: "BROADTAPE_NODE", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }),
      );
  });

  it.each([alone, onDatabase, several])("mounts what it names, and sets what the server knows", (secrets) => {
    const manifests = render({ secrets, trustProxy: "10.0.0.0/8" });
    const { containers, volumes } = podOf(manifests);
    const claimed = manifests.has("StatefulSet") ? ["data"] : [];
    expect(containers[0].volumeMounts.map(({ name }) => name).sort()).toEqual([...volumes.map(({ name }) => name), ...claimed].sort());
    const env = Object.fromEntries(containers[0].env.map(({ name, value }) => [name, value]));
    expect(unknownVariables(env)).toEqual([]);
    for (const variable of Object.keys(secrets)) expect(env[`${variable}_FILE`]).toBe(`/run/secrets/broadtape/${variable}`);
    const sources = Object.entries(secrets).map(([path, { name, key }]) => ({ secret: { name, items: [{ key, path }] } }));
    const byPath = sources.sort((a, b) => (JSON.stringify(a.secret.items) < JSON.stringify(b.secret.items) ? -1 : 1));
    expect(volumes).toContainEqual({ name: "secrets", projected: { defaultMode: 0o440, sources: byPath } });
  });

  it("lets the balancer forget a node, then leaves it its time to stop", () => {
    const { terminationGracePeriodSeconds, containers } = podOf(render({ secrets: alone, drainSeconds: 20 }));
    expect(containers[0].lifecycle.preStop.exec.command).toEqual(["sleep", "20"]);
    expect(terminationGracePeriodSeconds).toBeGreaterThan(20 + STOP_SECONDS);
  });

  it("asks for health where the server tells of it, and keeps to the restricted pod security standard", () => {
    const httpGet = (path: string) => ({ httpGet: { path, port: "http" } });
    expect(podOf(render({ secrets: alone }))).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          image: `broadtape:${chart.appVersion}`,
          startupProbe: httpGet("/readyz"),
          livenessProbe: httpGet("/livez"),
          readinessProbe: httpGet("/readyz"),
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
        },
      ],
    });
  });

  it("scales on connections, where there are several nodes", () => {
    const autoscaling = { ...anything.parse(defaults["autoscaling"]), enabled: true };
    const manifests = render({ secrets: several, autoscaling });
    expect(manifests.get("HorizontalPodAutoscaler")).toMatchObject({
      spec: {
        scaleTargetRef: { kind: "Deployment", name: "desk-broadtape" },
        metrics: [{ pods: { metric: { name: "broadtape_connections" }, target: { averageValue: "20000" } } }],
      },
    });
    expect(manifests.get("Deployment")).toMatchObject({ spec: { strategy: { type: "RollingUpdate" } } });
    expect(manifests.get("Deployment")).not.toHaveProperty("spec.replicas");
  });

  it("brings WebSockets and streams through an ingress of nginx, and is found by Prometheus", () => {
    const ingress = { ...anything.parse(defaults["ingress"]), enabled: true, host: "desk.example", tlsSecret: "desk-tls" };
    const manifests = render({ secrets: alone, ingress, trustProxy: "10.0.0.0/8", serviceMonitor: { enabled: true, interval: "15s" } });
    const { annotations } = z.looseObject({ annotations: z.record(z.string(), z.string()) }).parse(manifests.get("Ingress")?.["metadata"]);
    const seconds = Number(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]);
    expect(annotations["nginx.org/proxy-read-timeout"]).toBe(`${seconds}s`);
    expect(seconds * 1000).toBeGreaterThan(defaultLimits.heartbeatMs);
    expect(textOf("docs/operating.md")).toContain(`proxy_read_timeout ${seconds}s;`);
    expect(manifests.get("ServiceMonitor")).toMatchObject({ spec: { endpoints: [{ port: "http", path: "/metrics" }] } });
  });

  it.each([
    ["without keys", {}, "BROADTAPE_JWT_SECRET or settings.BROADTAPE_JWKS is needed"],
    [
      "nodes that come and go without a common log",
      { secrets: alone, autoscaling: { ...anything.parse(defaults["autoscaling"]), enabled: true } },
      "several nodes need secrets.BROADTAPE_DATABASE_URL",
    ],
    ["NATS without a common log", { secrets: { ...alone, BROADTAPE_NATS_URL: secret("n") } }, "BROADTAPE_DATABASE_URL is needed"],
    ["an ingress that hides the clients", { secrets: alone, ingress: { enabled: true, host: "desk.example" } }, "trustProxy is needed"],
  ])("refuses %s", (_, values, message) => {
    expect(() => render(values)).toThrow(ChartRefusal);
    expect(() => render(values)).toThrow(message);
  });
});
