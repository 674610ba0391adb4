/** What a server would find at NATS. */
import { connect } from "@nats-io/transport-node";
import { type NatsPlace, serversOf } from "../../nats/place.ts";
import { SIZES } from "./sizes.ts";

export interface ExaminedNats {
  readonly version: string;
  /** Of one message; what is longer is read from the log. */
  readonly mostBytes: number;
}

/** Where nodes speak: below it, and nowhere else. */
const SUBJECT = "broadtape.log.doctor";

/** Rejects with an Error that says why nodes could not speak to each other over it. */
export async function examineNats(place: NatsPlace): Promise<ExaminedNats> {
  const nats = await connect({ ...serversOf(place), name: "broadtape doctor", reconnect: false, timeout: SIZES.connectMs });
  try {
    const heard = new Promise<void>((resolve, reject) => {
      nats.subscribe(SUBJECT, { max: 1, callback: (error) => (error === null ? resolve() : reject(error)) });
      setTimeout(
        () => reject(new Error("what is published there does not arrive: may the user publish and subscribe?")),
        SIZES.connectMs,
      ).unref();
    });
    nats.publish(SUBJECT);
    await heard.catch((error: unknown) => {
      throw new Error(`subject broadtape.log.>: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    const { info } = nats;
    if (info === undefined) throw new Error("it does not say what it is");
    return { version: info.version, mostBytes: info.max_payload };
  } finally {
    await nats.close();
  }
}
