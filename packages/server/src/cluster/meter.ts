/** What a member of a cluster counts. Plain numbers; `operations/metrics.ts` reads them at a scrape. */
export interface ClusterMeter {
  /** Notes of this node that are durable. */
  told: number;
  /** Notes of others that this node heard. */
  heard: number;
  /** Notes of others that were thrown away before this node could hear them. */
  missed: number;
  /** Questions to other nodes, one for each that was asked. */
  asked: number;
  /** Of these, those that nobody answered in time. */
  unanswered: number;
  /** Times the store was found to be away. */
  outages: number;
  /** Times all seats had to be taken again. */
  retaken: number;
}

export function newClusterMeter(): ClusterMeter {
  return { told: 0, heard: 0, missed: 0, asked: 0, unanswered: 0, outages: 0, retaken: 0 };
}
