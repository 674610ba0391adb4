/** nginx in front of several nodes, as `deploy/nginx` has it. */
import { readFileSync } from "node:fs";

const TEMPLATE = new URL("../deploy/nginx/broadtape.conf", import.meta.url);

/** The template with these nodes instead of its three: a line that names the first one is there once for each. */
export function clusterSite(nodes: readonly { readonly name: string; readonly url: string }[]): string {
  const lines = readFileSync(TEMPLATE, "utf8").split("\n");
  return lines
    .flatMap((line) => {
      if (/^#/.test(line) || /broadtape-[2-9]/.test(line)) return [];
      if (!line.includes("broadtape-1")) return [line];
      return nodes.map(({ name, url }) => line.replaceAll("broadtape-1:3000", new URL(url).host).replaceAll("broadtape-1", name));
    })
    .join("\n");
}
