/** `@broadtape/client/rfq`: RFQs, for those who trade them; apart from the rest, so that others do not load it. */
export { type FollowedRfq, RFQ_FOLDS } from "./folds.ts";
export {
  type RfqCallback,
  type RfqEventBody,
  type RfqEventName,
  RfqStreamingClient,
  type RfqStreamingClientOptions,
} from "./rfq-streaming-client.ts";
