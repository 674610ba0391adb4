/** Where NATS is, and as whom it is spoken to. */
export interface NatsPlace {
  /**
   * `nats://host:port`, or `tls://` where the connection has to be encrypted; several servers of a cluster with commas between them.
   * `user:password@` or `token@` before the first host stands for all of them.
   */
  readonly url: string;
}

export interface NatsServers {
  readonly servers: string[];
  readonly tls?: Record<string, never>;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

const DEFAULT_PORT = "4222";

/** Throws an Error that names what is wrong, and no password. */
export function serversOf({ url }: NatsPlace): NatsServers {
  const urls = url.split(",").map((part) => parse(part.trim()));
  const [first] = urls;
  const user = decodeURIComponent(first?.username ?? "");
  const pass = decodeURIComponent(first?.password ?? "");
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port === "" ? DEFAULT_PORT : port}`),
    ...(urls.some(({ protocol }) => protocol === "tls:") && { tls: {} }),
    ...(user !== "" && (pass === "" ? { token: user } : { user, pass })),
  };
}

function parse(part: string): URL {
  const url = URL.parse(part);
  if (url === null || url.hostname === "") throw new Error("NATS: a server is written as nats://host:port");
  if (url.protocol !== "nats:" && url.protocol !== "tls:") throw new Error(`NATS: ${url.protocol}// is neither nats:// nor tls://`);
  return url;
}
