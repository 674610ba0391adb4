/** How many of each an answer holds at most, of one node and of all. */
export const SLOW_LISTED = 100;
export const DELIVERIES_LISTED = 1000;
export const WAYS_LISTED = 50;
/** Of each node where those of all are merged: what is the most on all nodes is among the most on each. */
export const TOPICS_OF_NODE = 1000;
